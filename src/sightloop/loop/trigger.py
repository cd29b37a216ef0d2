"""The interface of a trigger, which says when a project's loop should begin by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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


class Trigger(Protocol):
    """Looks at a project and says why a run should begin now, or None."""

    def __call__(self, look: Look) -> str | None:
        """The reason, as a sentence for the run's log. It only looks: it may be asked many times a minute."""
        ...
