"""The worker: looks at the triggers, and works off one run after another. One worker to a home folder."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any, Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from sightloop.errors import Conflict, SightloopError
from sightloop.hold import Hold, Pulse
from sightloop.loop import airflow
from sightloop.loop.cycle import Cycle
from sightloop.loop.start import queue
from sightloop.loop.triggers.trigger import Look
from sightloop.loop.triggers.watch import Standing, watch
from sightloop.loop.work import Work
from sightloop.serve.video.studio import Studio
from sightloop.store import deployments, leases, runs, tracking, versions
from sightloop.store.database import may_pass, reason
from sightloop.values.moment import now
from sightloop.values.recipe import Recipe
from sightloop.values.run import Run
from sightloop.wiring import Parts

_BEAT_SECONDS = 2.0
_MIRROR_SECONDS = 60.0


class Worker:
    """Works off the runs of one home folder while it is entered; `run` until `stop`, or `work_off` a single run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stop = threading.Event()
        self._since = datetime.now(UTC)
        self._run: str | None = None
        self._mirrored: dict[str, int] = {}
        self._mirror_from = 0.0
        self._told: set[str] = set()
        self._handed: set[str] = set()
        self._hold = Hold(parts.settings)
        self._name = self._hold.name
        work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, self._stop.is_set, self._name)
        self._cycle = Cycle(parts.settings, work, self._name, self._stop.is_set)
        self._studio = Studio(parts.settings, parts.database, parts.blobs, self._name)
        self._beater = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        """Take the home folder; a run that a killed worker left goes on at once. Raises Conflict where it is taken."""
        self._hold.take()
        self._beater.start()
        try:
            self._cycle.__enter__()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Give the home folder back; a run under way is left to be gone on with."""
        self._stop.set()
        try:
            self._cycle.__exit__()
        finally:
            self._beater.join()
            self._hold.free()

    def stop(self) -> None:
        """End soon: the step under way is given up, its child process killed, and done again by the next worker."""
        self._stop.set()
        self._studio.stop()

    def run(self) -> None:
        """Look and work until `stop`, on videos beside the runs; a database that is away or locked is waited for."""
        with self._studio:
            self._go_round()

    def _go_round(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except SQLAlchemyError as error:
                if not may_pass(error):
                    raise
                self._complain(f"the database is waited for: {reason(error)}")
            self._stop.wait(self._parts.settings.poll_seconds)

    def work_off(self, run: str) -> None:
        """Work until this run has ended, and on no more than the runs that come before it."""
        while not self._stop.is_set():
            waiting = self._waiting()
            if run not in {other.id for other in waiting}:
                return
            self._work(waiting[0])

    def look(self) -> None:
        """Ask every trigger about every project, and queue a run for the first that says so."""
        for recipe in self._parts.recipes.values():
            self._watch(recipe)

    def hand_over(self) -> None:
        """Start the DAGs of runs that wait for Airflow; one that it cannot be told of is told of at the next look."""
        with self._parts.database.read() as connection:
            waiting = runs.queued(connection, airflow.NAME)
        for run in waiting:
            if run.id not in self._handed:
                try:
                    airflow.start(self._parts.settings, self._parts.recipe(run.project), run.id)
                except SightloopError as error:
                    self._complain(f"the run {run.id} of {run.project} waits: {error}")
                else:
                    self._handed.add(run.id)

    def mirror(self) -> None:
        """Tell MLflow of champions that were put in place by others, since servers do not speak to it.

        Where it cannot be told, it is tried again a minute later: a server that is down takes seconds to say so.
        """
        if time.monotonic() < self._mirror_from:
            return
        with self._parts.database.read() as connection:
            revisions = deployments.revisions(connection)
            changed = {
                project: deployments.current(connection, project)
                for project, revision in revisions.items()
                if self._mirrored.get(project) != revision
            }
            runs_of = {
                project: versions.get(connection, project, deployment.champion.version).run
                for project, deployment in changed.items()
                if deployment is not None
            }
        for project, run in runs_of.items():
            # A model that came from elsewhere is none of MLflow's.
            if run is None or self._crown(project, run):
                self._mirrored[project] = revisions[project]
            else:
                self._mirror_from = time.monotonic() + _MIRROR_SECONDS

    def _crown(self, project: str, run: str) -> bool:
        try:
            tracking.crown(self._parts.settings.mlflow, project, run)
        except Exception as error:  # its client raises every kind; the record is for people, the worker goes on
            self._complain(f"MLflow was not told of the champion of {project}: {type(error).__name__}: {error}")
            return False
        return True

    def _turn(self) -> None:
        self.look()
        self.hand_over()
        for run in self._waiting():
            self._work(run)
        self.mirror()

    def _waiting(self) -> list[Run]:
        with self._parts.database.read() as connection:
            return runs.waiting(connection, self._name)

    def _work(self, run: Run) -> None:
        if self._stop.is_set():
            return
        _log().info("run begun", run=run.id, project=run.project, trigger=run.trigger)
        self._run = run.id
        self._cycle.work(run.id)
        self._run = None
        with self._parts.database.read() as connection:
            ended = runs.get(connection, run.id)
        _log().info("run left", run=run.id, project=run.project, status=str(ended.status), error=ended.error)

    def _watch(self, recipe: Recipe) -> None:
        with self._parts.database.read() as connection:
            last = runs.last(connection, recipe.name)
            if last is not None and not last.status.ended:
                return
            standings = watch(Look(recipe, connection, last, datetime.now(UTC), self._since))
        for one in standings:
            if one.broken:
                self._complain(f"the trigger {one.trigger} of {recipe.name}: {one.message}")
            if one.starts:
                self._begin(recipe, one)

    def _begin(self, recipe: Recipe, standing: Standing) -> None:
        try:
            parts = self._parts
            queue(parts.settings, parts.database, recipe, standing.trigger, "trigger", message=standing.message)
        except Conflict:
            return  # somebody else began one in between, which is as good

    def _complain(self, message: str) -> None:
        """Log a fault once, since it is met again at every look."""
        if message not in self._told:
            self._told.add(message)
            _log().warning(message)

    def _beat(self) -> None:
        while True:
            if self._run is not None or self._studio.video is not None:
                self._renew()
            self._show()
            if self._stop.wait(_BEAT_SECONDS):
                return

    def _show(self) -> None:
        pulse = Pulse(process=os.getpid(), since=self._since.isoformat(), at=now(), run=self._run)
        try:
            self._hold.show(pulse)
        except OSError as error:  # a full disk must not cost the lease
            self._complain(f"the pulse cannot be written: {error}")

    def _renew(self) -> None:
        try:
            with self._parts.database.write() as connection:
                leases.renew(connection, self._name)
        except SQLAlchemyError as error:
            self._complain(f"the lease was not renewed: {reason(error)}")


def _log() -> Any:
    # Asked for each time: a logger that is kept would keep the output that was in force when it was first used.
    return structlog.get_logger("sightloop.worker")
