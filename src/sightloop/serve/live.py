"""The models in memory: a thread follows the deployments and swaps models under running requests.

A request keeps the model that it began with, by an ordinary reference; the last one to let go frees it. So a swap is
one assignment, and no request is drained, refused or lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from sightloop.errors import NotFound, NotReady, SightloopError
from sightloop.serve.backoff import pause
from sightloop.serve.model import Model, Threads, open_model
from sightloop.settings import Settings
from sightloop.store import deployments, packages, versions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database, reason
from sightloop.telemetry import Telemetry
from sightloop.values.deployment import Deployment
from sightloop.values.table import nearest

PATIENCE = 10.0
"""How long a start waits for the first look at the deployments, in seconds."""

_log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class Serving:
    """Who answers for one project: a revision of its deployment, and its members' models by version."""

    deployment: Deployment
    models: dict[int, Model]


@dataclass(frozen=True)
class Fault:
    """A revision that could not be opened: why, how often it was tried, and when (monotonic) it is tried again."""

    revision: int
    reason: str
    tries: int
    again: float


class Live:
    """The open models of all deployed projects."""

    def __init__(
        self, database: Database, blobs: Blobs, projects: Collection[str], settings: Settings, telemetry: Telemetry
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._projects = projects
        self._settings = settings
        self._telemetry = telemetry
        self._threads = Threads()
        self._serving: dict[str, Serving] = {}
        self._faults: dict[str, Fault] = {}
        self._unseen: str | None = "the deployments were not looked at yet"
        self._looked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live", daemon=True)

    def start(self) -> None:
        """Begin to follow the deployments; return when those of this moment are open, or after PATIENCE."""
        self._thread.start()
        self._looked.wait(PATIENCE)

    def stop(self) -> None:
        """Follow no longer; what is open still answers whoever holds it."""
        self._stopping.set()
        self._thread.join(PATIENCE)
        self._threads.stop()

    def choose(self, project: str, ticket: float) -> Model:
        """The model that answers the request with this ticket in [0, 1). Raises NotFound and NotReady."""
        serving = self._serving.get(project)
        if serving is None:
            raise self._absent(project)
        return serving.models[serving.deployment.choose(ticket).version]

    def serving(self) -> dict[str, Serving]:
        """Who answers, by project, at this moment."""
        return dict(self._serving)

    def faults(self) -> dict[str, str]:
        """Why the newest deployment of a project does not answer; under "database" why none could be looked at."""
        found = {project: fault.reason for project, fault in self._faults.copy().items()}
        return found if self._unseen is None else found | {"database": self._unseen}

    def refresh(self) -> None:
        """Look at the deployments once, and open what is new."""
        try:
            with self._database.read() as connection:
                revisions = deployments.revisions(connection)
        except Exception as error:  # the models in memory answer on, whatever befell the database
            self._unseen = f"the deployments cannot be read: {reason(error)}"
            _log.exception("deployments unreadable")
            return
        self._unseen = None
        for project, revision in revisions.items():
            if self._due(project, revision):
                self._take(project, revision)

    def _follow(self) -> None:
        while True:
            self.refresh()
            self._looked.set()
            if self._stopping.wait(self._settings.poll_seconds):
                return

    def _due(self, project: str, revision: int) -> bool:
        serving, fault = self._serving.get(project), self._faults.get(project)
        if serving is not None and serving.deployment.revision == revision:
            return False
        return fault is None or fault.revision != revision or time.monotonic() >= fault.again

    def _take(self, project: str, revision: int) -> None:
        try:
            serving = self._open(project)
        except Exception as error:  # a broken deployment leaves the old one answering, whatever it broke on
            self._fail(project, revision, error)
            return
        self._serving[project] = serving
        self._faults.pop(project, None)
        self._telemetry.swaps.labels(project).inc()
        self._telemetry.version.labels(project).set(serving.deployment.champion.version)
        _log.info("deployment", project=project, revision=revision, version=serving.deployment.champion.version)

    def _open(self, project: str) -> Serving:
        with self._database.read() as connection:
            deployment = deployments.current(connection, project)
            if deployment is None:
                raise NotFound(f"the project {project!r} has no deployment")
            found = [versions.get(connection, project, member.version) for member in deployment.members]
        before = self._serving.get(project)
        open_already = before.models if before else {}
        models = {}
        for version in found:
            models[version.number] = open_already.get(version.number) or open_model(
                project,
                version.number,
                packages.load(self._blobs, version.package),
                self._threads,
                self._settings,
            )
        return Serving(deployment, models)

    def _fail(self, project: str, revision: int, error: Exception) -> None:
        last = self._faults.get(project)
        tries = last.tries + 1 if last and last.revision == revision else 1
        again = time.monotonic() + pause(self._settings.poll_seconds, tries)
        why = f"deployment {revision} cannot be opened: {reason(error)}"
        self._faults[project] = Fault(revision, why, tries, again)
        self._telemetry.faults.labels(project).inc()
        # A failure that is meant to be read needs no traceback; any other does.
        _log.error(
            "deployment broken",
            project=project,
            revision=revision,
            reason=str(error),
            exc_info=not isinstance(error, SightloopError),
        )

    def _absent(self, project: str) -> SightloopError:
        if project not in self._projects:
            return NotFound(f"the project {project!r} is {nearest(project, tuple(sorted(self._projects)))}")
        if project in self._faults:
            return NotReady(f"{project} has no model that answers", got=self._faults[project].reason)
        return NotReady(f"{project} has no model yet", hint=f"Train one: sightloop train {project}")
