"""The triggers that ship; a person's own come in as entry points of the group `sightloop.triggers`."""

from __future__ import annotations

from datetime import UTC, datetime

from sightloop.errors import BadRecipe
from sightloop.loop.trigger import Look
from sightloop.store import annotations as labels
from sightloop.store import predictions


def new_labels(look: Look) -> str | None:
    """Begin when people labelled so many samples, by upload or correction, since the last run began."""
    wanted = look.recipe.triggers.labels
    if not wanted:
        return None
    got = labels.count_since(look.connection, look.recipe.name, look.moment, ("upload", "feedback"))
    return f"{got} samples were labelled since the last run (at least {wanted})" if got >= wanted else None


def new_predictions(look: Look) -> str | None:
    """Begin when so many predictions were recorded since the last run began."""
    wanted = look.recipe.triggers.predictions
    if not wanted:
        return None
    got = predictions.count_since(look.connection, look.recipe.name, look.moment)
    return f"{got} predictions since the last run (at least {wanted})" if got >= wanted else None


def schedule(look: Look) -> str | None:
    """Begin once for each slot of the cron expression (UTC) that has passed; slots missed while nobody looked are one.

    A slot counts as served by any run that began after it. Before a project's first run, slots count from the moment
    that a worker began to look.
    """
    expression = look.recipe.triggers.schedule
    if not expression:
        return None
    slot = previous(expression, look.now)
    before = look.since if look.last is None else datetime.fromisoformat(look.last.created)
    return f"the schedule {expression!r} was due at {slot:%Y-%m-%d %H:%M} UTC" if slot > before else None


def previous(expression: str, now: datetime) -> datetime:
    """The last moment up to now that the cron expression names. Raises BadRecipe for an expression that is none."""
    from croniter import CroniterError, croniter

    try:
        # A second later, so that a slot counts as passed at its own moment.
        slot: float = croniter(expression, now.timestamp() + 1).get_prev(float)
    except (CroniterError, ValueError, TypeError) as error:
        raise BadRecipe(
            f"triggers.schedule {expression!r} is no cron expression: {error}", expected="five fields, like 0 3 * * *"
        ) from error
    return datetime.fromtimestamp(slot, UTC)
