"""A run at work: what its steps need, and how they tell of themselves and hear of a cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from sightloop.settings import Settings
from sightloop.store import runs
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database, may_pass
from sightloop.values.recipe import Recipe
from sightloop.values.run import STEPS, Run

_QUIET_SECONDS = 0.5
_TELLING = 0.02  # what must be done before the pace says anything


class Stopped(BaseException):
    """The worker is being stopped, or lost the run to another: the step under way is given up, to be done again.

    No Exception, so that nothing on the way takes it for a failure of the step and records it.
    """


@dataclass
class Job:
    """One run with its recipe (the run's parameters applied), the stores, and the worker that has it.

    `stopping` says that the worker is to end.
    """

    run: Run
    recipe: Recipe
    settings: Settings
    database: Database
    blobs: Blobs
    stopping: Callable[[], bool]
    step: str = ""
    worker: str = ""
    _told: float = field(default=0.0, init=False)
    _first: tuple[float, float] | None = field(default=None, init=False)

    @property
    def folder(self) -> Path:
        """The run's work folder."""
        return self.settings.home.resolve() / "runs" / self.run.id

    def cancelled(self) -> bool:
        """Whether a person asked for the run to stop. Raises Stopped where the worker is ending or lost the run.

        While the database is away nobody can ask for anything.
        """
        if self.stopping():
            raise Stopped
        try:
            with self.database.read() as connection:
                row = runs.get(connection, self.run.id)
        except SQLAlchemyError as error:
            if may_pass(error):
                return False
            raise
        if row.worker != self.worker:
            raise Stopped
        return row.cancelling

    def log(self, message: str, **data: Any) -> None:
        """Add a line to the run's log."""
        with self.database.write() as connection:
            runs.log(connection, self.run.id, "log", self.step, message, data)

    def advance(self, done: float, message: str = "", metrics: dict[str, float] | None = None) -> None:
        """Tell how far the step is (0 to 1); rows of metrics are all kept, mere progress at most twice a second.

        As soon as that can be known, `left` says in how many seconds it will have ended.
        """
        now = time.monotonic()
        if metrics is None and now - self._told < _QUIET_SECONDS:
            return
        self._told = now
        told = {"done": done} | self._left(now, done) | (metrics or {})
        at = STEPS.index(self.step)
        kind = "progress" if metrics is None else "metrics"
        try:
            with self.database.write() as connection:
                runs.update(connection, self.run.id, progress=(at + done) / len(STEPS))
                runs.log(connection, self.run.id, kind, self.step, message, told)
        except SQLAlchemyError as error:
            if not may_pass(error):  # if it may, what is told next will do
                raise

    def _left(self, now: float, done: float) -> dict[str, float]:
        """From the pace since the step first told of progress: a training that goes on begins in the middle."""
        if done <= 0:
            return {}
        began, had = self._first = self._first or (now, done)
        if done - had < _TELLING:
            return {}
        return {"left": round((now - began) * (1 - done) / (done - had), 1)}
