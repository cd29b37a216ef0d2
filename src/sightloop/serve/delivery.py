"""A model that is brought from a bucket when the server starts, for machines that have no stores of their own."""

from __future__ import annotations

import threading
from collections.abc import Collection

import fsspec  # type: ignore[import-untyped]
import structlog

from sightloop.errors import BadInput, NotFound, SightloopError
from sightloop.serve.backoff import pause
from sightloop.settings import Settings
from sightloop.store import deployments, locks, packages, versions
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database, reason
from sightloop.values.bundle import from_zip
from sightloop.values.package import Sealed
from sightloop.values.table import nearest
from sightloop.values.version import Verdict

_log = structlog.get_logger()


class Delivery:
    """Fetches the package that `model_s3_bucket` and `model_s3_key` name, as often as it takes, and deploys it once.

    A package that the project has already, as a version under any number, is left as it stands: what was promoted or
    rolled back since counts. `fault` says why it is not here yet; the server answers on, and its health is degraded.
    """

    def __init__(self, database: Database, blobs: Blobs, projects: Collection[str], settings: Settings) -> None:
        self._database = database
        self._blobs = blobs
        self._projects = projects
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._bring, name="delivery", daemon=True)
        self.fault: str | None = None

    def start(self) -> None:
        """Begin to fetch, where the settings name a model; the server's start does not wait for it."""
        bucket, key = self._settings.model_s3_bucket, self._settings.model_s3_key
        if bucket or key:
            self.fault = "the model from the bucket is not here yet"
            self._thread.start()

    def stop(self) -> None:
        """Fetch no longer."""
        self._stopping.set()

    def _bring(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            try:
                url = _url(self._settings)
                self._deploy(url, from_zip(_read(url)))
            except Exception as error:  # whatever it is, the server lives on and says so
                tries += 1
                self.fault = f"the model cannot be had from the bucket: {type(error).__name__}: {reason(error)}"
                _log.error("delivery failed", tries=tries, reason=str(error))
                self._stopping.wait(pause(self._settings.poll_seconds, tries))
            else:
                self.fault = None
                return

    def _deploy(self, url: str, package: Sealed) -> None:
        project = package.card.project
        if project not in self._projects:
            raise NotFound(f"the package is of the project {project!r}, {nearest(project, tuple(self._projects))}")
        digest = packages.save(self._blobs, package)
        with self._database.write() as connection:
            # Several serving processes start at once; one of them registers it.
            locks.take(connection, "model_versions", project)
            if any(one.package == digest for one in versions.list(connection, project)):
                return
            why = f"fetched from {url} at the server's start"
            version = versions.register(connection, project, digest, package.card, Verdict.ACCEPTED, why)
            deployments.promote(connection, project, version.number, "server", why, licences=self._settings.licences)
        _log.info("delivery", project=project, version=version.number, url=url)


def _url(settings: Settings) -> str:
    if not (settings.model_s3_bucket and settings.model_s3_key):
        raise BadInput(
            "a model from a bucket needs two settings",
            expected="MODEL_S3_BUCKET and MODEL_S3_KEY",
            got="only one of them",
        )
    return f"s3://{settings.model_s3_bucket}/{settings.model_s3_key.lstrip('/')}"


def _read(url: str) -> bytes:
    """The object's bytes; the client itself tries again when the bucket is busy or the line breaks."""
    try:
        files, path = fsspec.core.url_to_fs(url, skip_instance_cache=True)
        return bytes(files.cat_file(path))
    except ImportError as error:
        raise BadInput(f"a bucket needs a further package: {error}", hint="Install `sightloop[s3]`.") from error
    except FileNotFoundError as error:
        raise NotFound(f"there is no object {url}") from error
    except PermissionError as error:
        raise SightloopError(
            f"{url} may not be read: {error}", hint="The role needs s3:GetObject and s3:ListBucket on the bucket."
        ) from error
