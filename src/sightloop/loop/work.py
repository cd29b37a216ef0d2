"""A worker's hold on a run: it does the steps, each once, keeps what they found in the run's row, and ends the run.

A database that is away for a while (restarted, failed over), or locked, is waited for, so that what was done is kept.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

from sightloop.errors import Cancelled, SightloopError
from sightloop.loop.job import Job, Stopped
from sightloop.loop.parameters import apply
from sightloop.loop.steps import STEPS, Found, tidy
from sightloop.settings import Settings
from sightloop.store import leases, runs
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.patience import patiently
from sightloop.values.recipe import Recipe
from sightloop.values.run import Status

Done = TypeVar("Done")


class Work:
    """Does steps of runs for the worker of this name, over one set of stores; `stopping` says that it is to end."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        recipe: Callable[[str], Recipe],
        stopping: Callable[[], bool],
        worker: str,
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._recipe = recipe
        self._stopping = stopping
        self._worker = worker

    def step(self, name: str, run: str, found: Found) -> Found:
        """Do a step and tell of it: what it found, or its `failure` and the run's `status`, which is an outcome too.

        A step that has ended is not done again: what it found then is told. Raises Stopped, which is no failure, where
        the worker is to end or another works on the run.
        """
        try:
            ended = self._patiently(lambda: self._ended(name, run))
            return self._patiently(lambda: self._do(name, run, found)) if ended is None else ended
        except Cancelled as error:
            return {"failure": str(error), "status": Status.CANCELLED.value}
        except SightloopError as error:
            return {"failure": str(error), "status": Status.FAILED.value}
        except Exception as error:
            told = traceback.format_exc()
            self._patiently(lambda: self._log(run, name, told))
            return {"failure": f"{type(error).__name__}: {error}", "status": Status.FAILED.value}

    def finish(self, run: str, status: str, found: Found, error: str | None) -> None:
        """End the run, unless it has ended or another works on it."""
        self._patiently(lambda: self._finish(run, Status(status), found, error))

    def _do(self, name: str, run: str, found: Found) -> Found:
        job = self._begin(name, run)
        outcome = STEPS[name](job, found)
        # Waited for apart from the step: what took an hour is not done again because the database was away at its end.
        self._patiently(lambda: self._keep(name, run, found, outcome))
        return outcome

    def _begin(self, name: str, run: str) -> Job:
        with self._database.write() as connection:
            taken = leases.RUNS.take(connection, run, self._worker)
            row = runs.get(connection, run)
            if not taken and not row.status.ended:
                raise Stopped
            if row.cancelling:
                raise Cancelled("the run was cancelled")
            runs.update(connection, run, step=name)
            runs.log(connection, run, "begun", name)
        recipe = apply(self._recipe(row.project), row.parameters)
        return Job(row, recipe, self._settings, self._database, self._blobs, self._stopping, name, self._worker)

    def _keep(self, name: str, run: str, found: Found, outcome: Found) -> None:
        with self._database.write() as connection:
            if not leases.RUNS.hold(connection, run, self._worker):
                raise Stopped
            place = list(STEPS).index(name)
            runs.update(connection, run, result=found | outcome, progress=(place + 1) / len(STEPS))
            runs.log(connection, run, "ended", name, data=outcome)

    def _ended(self, name: str, run: str) -> Found | None:
        """What the step found, where it ended but the process died before its scheduler knew."""
        with self._database.read() as connection:
            events = runs.events(connection, run)
        return next((event.data for event in events if event.kind == "ended" and event.step == name), None)

    def _finish(self, run: str, status: Status, found: Found, error: str | None) -> None:
        with self._database.write() as connection:
            if leases.RUNS.take(connection, run, self._worker):
                told = runs.finish(connection, run, status, found, error)
                runs.log(connection, run, "finished", told.step, error or _told(found), {"status": status})
            elif not runs.get(connection, run).status.ended:
                return
        tidy(self._settings.home / "runs" / run)

    def _log(self, run: str, name: str, message: str) -> None:
        with self._database.write() as connection:
            runs.log(connection, run, "log", name, message)

    def _patiently(self, act: Callable[[], Done]) -> Done:
        """What `act` gives, as soon as the database is there for it. Raises Stopped where the worker ends."""
        return patiently(act, self._heed)

    def _heed(self) -> None:
        if self._stopping():
            raise Stopped


def _told(found: Found) -> str:
    decision = found["decision"]
    verdict = "accepted" if decision["accepted"] else "refused"
    return f"version {found['version']} {verdict}: {'; '.join(decision['reasons'])}"
