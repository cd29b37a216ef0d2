"""All triggers of a project at one moment: which of them begins a run, and why the others do not."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from sightloop import plugins
from sightloop.errors import SightloopError
from sightloop.loop.triggers.budget import refuses
from sightloop.loop.triggers.trigger import Look


class Standing(Struct, frozen=True, kw_only=True):
    """How a trigger stands: its reading, and whether it starts a run now; `held` is the reason why it does not."""

    trigger: str
    starts: bool
    message: str
    held: str = ""
    present: float | None = None
    level: float | None = None
    broken: bool = False


def watch(look: Look) -> list[Standing]:
    """Every trigger that the recipe uses, by name; at most the first that is due starts."""
    barred = _barred(look)
    found: list[Standing] = []
    for name in plugins.names("triggers"):
        try:
            one = _standing(name, look, barred)
        except DBAPIError:
            raise  # nothing of the trigger's
        except Exception as error:  # one of a person's own may raise every kind
            told = str(error) if isinstance(error, SightloopError) else f"{type(error).__name__}: {error}"
            one = Standing(trigger=name, starts=False, message=told, held="it cannot be asked", broken=True)
        if one is not None:
            found.append(one)
            if one.starts:
                barred = f"the trigger {name} starts a run already"
    return found


def _standing(name: str, look: Look, barred: str) -> Standing | None:
    reading = plugins.load("triggers", name)(look)
    if reading is None:
        return None
    held = (barred or refuses(look, weigh_gain=reading.weighed)) if reading.due else "its level is not reached"
    starts = reading.due and not held
    return Standing(
        trigger=name,
        starts=starts,
        message=reading.message,
        held=held,
        present=reading.present,
        level=reading.level,
    )


def _barred(look: Look) -> str:
    """What keeps every trigger from starting a run now, if anything."""
    if look.last is None:
        return ""
    if not look.last.status.ended:
        return f"run {look.last.id} is open ({look.last.status})"
    rest = datetime.fromisoformat(look.last.created) + timedelta(minutes=look.recipe.triggers.cooldown_minutes)
    if look.now < rest:
        return f"the last run began at {look.last.created[:19]}; it cools down until {rest:%Y-%m-%d %H:%M:%S} UTC"
    return ""
