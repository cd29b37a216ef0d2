"""A run as a durable workflow (DBOS): a process killed at any moment goes on after the last finished step."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from sqlalchemy import make_url

from sightloop.loop.job import Stopped
from sightloop.loop.plain import PlainJson
from sightloop.loop.steps import STEPS, Found
from sightloop.loop.work import Work
from sightloop.settings import Settings
from sightloop.store.database import address
from sightloop.values.run import Status

if TYPE_CHECKING:
    from dbos import DBOSConfig

_NAME = "sightloop"
_VERSION = "2"  # of what a workflow goes through: another sequence of steps is another version
_OPEN = ("PENDING", "ENQUEUED")
_LOOK_SECONDS, _MOMENT_SECONDS = 0.5, 0.01
LOST_SECONDS = 20.0
"""How long the records are waited for: to give a workflow out, which is at once or never, or to say that it ended."""


class Cycle:
    """Works runs off, each as a workflow of its own. One at a time in a process, since DBOS is one to a process."""

    def __init__(self, settings: Settings, work: Work, worker: str, stopping: Callable[[], bool]) -> None:
        self._settings = settings
        self._work = work
        self._worker = worker
        self._stopping = stopping
        self._left: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._begun: set[str] = set()
        self._workflow: Callable[[str], None] = self._turn

    def __enter__(self) -> Self:
        """Open the records; a run that a killed process left is taken up again at once."""
        from dbos import DBOS

        # It would go on writing to what standard error was when the first one in this process began.
        logging.getLogger("dbos").handlers.clear()
        DBOS(config=_config(self._settings, self._worker))

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
        """Work a run off from where it was left; returns when it ended, another has it, or the worker is ending."""
        from dbos import DBOS, SetWorkflowID

        workflow = self._name(run)
        with SetWorkflowID(workflow):
            handle = DBOS.start_workflow(self._workflow, run)
        left, since = self._left[workflow], time.monotonic()
        while handle.get_status().status in _OPEN:
            if self._stopping():
                return
            if workflow in self._begun and not left.is_set():
                since = time.monotonic()
            elif time.monotonic() - since > LOST_SECONDS:
                self._give_up(workflow)
                return
            if left.wait(_LOOK_SECONDS):
                time.sleep(_MOMENT_SECONDS)  # in which the records come to say so too
        del self._left[workflow]
        self._begun.discard(workflow)
        if not left.is_set():
            self._work.finish(run, Status.FAILED, {}, "the workflow ended without ending the run")

    def _give_up(self, workflow: str) -> None:
        """End a workflow that a killed process, or one whose database was away, took and did not begin.

        Or one whose end could not be recorded, as on a full disk.
        The next look takes the run again, as a workflow of another name.
        """
        from dbos import DBOS

        DBOS.cancel_workflow(workflow)
        if workflow in self._begun:  # in this very moment
            self._left[workflow].wait()

    def _name(self, run: str) -> str:
        """The name of the workflow that is to be gone on with, or of a new one.

        Each worker has workflows of its own, and a further one for each time that it takes the run again after it was
        lost to another: what has ended, none does again.
        """
        from dbos import DBOS

        names = (f"{run}/{self._worker}/{_VERSION}.{number}" for number in itertools.count(1))
        found = ((name, DBOS.get_workflow_status(name)) for name in names)
        return next(name for name, status in found if status is None or status.status in _OPEN)

    def _turn(self, run: str) -> None:
        """The workflow itself: it must take the same way each time, so all that can differ happens in its steps."""
        from dbos import DBOS

        workflow = str(DBOS.workflow_id)
        self._begun.add(workflow)
        found: Found = {}
        try:
            for name in STEPS:
                outcome = DBOS.run_step({"name": name}, self._work.step, name, run, found)
                if "failure" in outcome:
                    ended = (outcome["status"], found, outcome["failure"])
                    DBOS.run_step({"name": "finish"}, self._work.finish, run, *ended)
                    return
                found = found | outcome
            status = Status.SUCCEEDED if found["deployed"] else Status.REFUSED
            DBOS.run_step({"name": "finish"}, self._work.finish, run, status.value, found, None)
        except Stopped:
            if self._stopping():  # to be gone on with, so it must not end
                raise
        finally:
            self._left[workflow].set()


def _config(settings: Settings, worker: str) -> DBOSConfig:
    """Records beside the rows, in PostgreSQL (its schema `dbos`) or the home folder; no admin server, no telemetry.

    The version is not the program's: the steps' records are plain values that a newer sightloop goes on with.
    """
    url = address(settings.database)
    if url.get_backend_name() != "postgresql":
        url = make_url(f"sqlite:///{settings.home.resolve()}/dbos.db")
    return {
        "name": _NAME,
        "system_database_url": url.render_as_string(hide_password=False),
        "application_version": _VERSION,
        "executor_id": worker,
        "enable_otlp": False,
        "log_level": "WARNING",
        "serializer": cast("Any", PlainJson()),
        "notification_listener_polling_interval_sec": 1.0,
    }
