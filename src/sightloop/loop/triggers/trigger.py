"""The interface of a trigger, which says when a project's loop should begin by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from sqlalchemy import Connection

from sightloop.values.recipe import Recipe
from sightloop.values.run import Run


@dataclass(frozen=True)
class Look:
    """What a trigger sees: the project, its last run, the present moment, and since when somebody has been looking."""

    recipe: Recipe
    connection: Connection
    last: Run | None
    now: datetime
    since: datetime

    @property
    def moment(self) -> str | None:
        """When the last run began, as ISO 8601; None before the first."""
        return None if self.last is None else self.last.started or self.last.created


class Reading(Struct, frozen=True, kw_only=True):
    """What a trigger sees and where its level is; `due` says that a run should begin, for the reason in `message`.

    `weighed` says that the gain to be expected of more labels must be worth a run; a loss that was seen needs none.
    """

    due: bool
    message: str
    present: float | None = None
    level: float | None = None
    weighed: bool = True


class Trigger(Protocol):
    """Looks at a project and says whether a run should begin now; None where the recipe does not use it."""

    def __call__(self, look: Look) -> Reading | None:
        """The reading, with a sentence for the run's log. It only looks: it may be asked many times a minute."""
        ...
