"""A run as a durable workflow: a process killed at any moment goes on after the last finished step (DBOS on SQLite)."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from sightloop.errors import Cancelled, SightloopError
from sightloop.loop.job import Job
from sightloop.loop.parameters import apply
from sightloop.loop.plain import PlainJson
from sightloop.loop.steps import STEPS, Found
from sightloop.settings import Settings
from sightloop.store import runs
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.values.recipe import Recipe
from sightloop.values.run import Status

if TYPE_CHECKING:
    from dbos import DBOSConfig

_NAME = "sightloop"
_LOOK_SECONDS = 0.5


class Cycle:
    """Works runs off, each as the workflow of its id. One at a time in a process, since DBOS is one to a process."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        blobs: Blobs,
        recipe: Callable[[str], Recipe],
        stopping: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs
        self._recipe = recipe
        self._stopping = stopping
        self._left: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._workflow: Callable[[str], None] = self._turn

    def __enter__(self) -> Self:
        """Open the records; a run that a killed process left is taken up again at once."""
        from dbos import DBOS

        # It would go on writing to what standard error was when the first one in this process began.
        logging.getLogger("dbos").handlers.clear()
        DBOS(config=_config(self._settings))

        @DBOS.workflow(name="cycle", max_recovery_attempts=None)
        def cycle(run: str) -> None:
            self._turn(run)

        self._workflow = cycle
        DBOS.launch()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the records."""
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)

    def work(self, run: str) -> None:
        """Work a run off from where it was left; returns when it ended, or the worker is ending."""
        from dbos import DBOS, SetWorkflowID

        with SetWorkflowID(run):
            handle = DBOS.start_workflow(self._workflow, run)
        while not self._left[run].wait(_LOOK_SECONDS):
            if self._stopping():
                return
            if handle.get_status().status not in ("PENDING", "ENQUEUED"):
                self._left[run].wait(_LOOK_SECONDS)
                self._finish(run, Status.FAILED, {}, "the workflow ended without ending the run")
                return

    def _turn(self, run: str) -> None:
        """The workflow itself: it must take the same way each time, so all that can differ happens in its steps."""
        from dbos import DBOS

        found: Found = {}
        try:
            for name in STEPS:
                outcome = DBOS.run_step({"name": name}, self._step, name, run, found)
                if "failure" in outcome:
                    DBOS.run_step({"name": "finish"}, self._finish, run, outcome["status"], found, outcome["failure"])
                    return
                found = found | outcome
            status = Status.SUCCEEDED if found["deployed"] else Status.REFUSED
            DBOS.run_step({"name": "finish"}, self._finish, run, status.value, found, None)
        finally:
            self._left[run].set()

    def _step(self, name: str, run: str, found: Found) -> Found:
        """Do one step and tell of it: what it found, or why it failed, since a failure is an outcome too."""
        try:
            return self._ended(name, run) or self._do(name, run, found)
        except Cancelled as error:
            return {"failure": str(error), "status": Status.CANCELLED.value}
        except SightloopError as error:
            return {"failure": str(error), "status": Status.FAILED.value}
        except Exception as error:
            self._tell_trace(name, run)
            return {"failure": f"{type(error).__name__}: {error}", "status": Status.FAILED.value}

    def _do(self, name: str, run: str, found: Found) -> Found:
        job = self._begin(name, run)
        outcome = STEPS[name](job, found)
        with self._database.write() as connection:
            runs.update(connection, run, result=found | outcome, progress=(_place(name) + 1) / len(STEPS))
            runs.log(connection, run, "ended", name, data=outcome)
        return outcome

    def _ended(self, name: str, run: str) -> Found | None:
        """What the step found, where it ended but the process died before the workflow knew."""
        with self._database.read() as connection:
            events = runs.events(connection, run)
        return next((event.data for event in events if event.kind == "ended" and event.step == name), None)

    def _begin(self, name: str, run: str) -> Job:
        with self._database.write() as connection:
            row = runs.claim(connection, run) or runs.get(connection, run)
            if row.cancelling:
                raise Cancelled("the run was cancelled")
            runs.update(connection, run, step=name)
            runs.log(connection, run, "begun", name)
        recipe = apply(self._recipe(row.project), row.parameters)
        return Job(row, recipe, self._settings, self._database, self._blobs, self._stopping, name)

    def _finish(self, run: str, status: str, found: Found, error: str | None) -> None:
        with self._database.write() as connection:
            if runs.get(connection, run).status.ended:
                return
            told = runs.finish(connection, run, Status(status), found, error)
            runs.log(connection, run, "finished", told.step, error or _told(found), {"status": status})

    def _tell_trace(self, name: str, run: str) -> None:
        with self._database.write() as connection:
            runs.log(connection, run, "log", name, traceback.format_exc())


def _place(name: str) -> int:
    return list(STEPS).index(name)


def _told(found: Found) -> str:
    decision = found["decision"]
    verdict = "accepted" if decision["accepted"] else "refused"
    return f"version {found['version']} {verdict}: {'; '.join(decision['reasons'])}"


def _config(settings: Settings) -> DBOSConfig:
    """Records in the home folder; no admin server, no telemetry, and only its warnings in the log.

    The version is fixed: the steps' records are plain values that a newer sightloop goes on with.
    """
    return {
        "name": _NAME,
        "system_database_url": f"sqlite:///{settings.home.resolve()}/dbos.db",
        "application_version": "1",
        "executor_id": "worker",
        "enable_otlp": False,
        "log_level": "WARNING",
        "serializer": cast("Any", PlainJson()),
        "notification_listener_polling_interval_sec": 1.0,
    }
