"""Dataset versions in DVC: packed to one file each, pushed to a remote, brought back and checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sightloop.data import archives
from sightloop.errors import BadData, Conflict
from sightloop.settings import Settings
from sightloop.store import datasets
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.dvc import Dvc
from sightloop.values.dataset import DatasetVersion, Entry, Manifest

_AT_ONCE_BYTES = 256 * 2**20


class Versioned:
    """The folder `datasets` in the home folder, where DVC keeps `PROJECT/NUMBER.tar`."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._folder = settings.home.resolve() / "datasets"
        self._dvc = Dvc(self._folder, settings.dvc_remote or str(self._folder / "remote"))
        self._database = database
        self._blobs = blobs

    def track(self, version: DatasetVersion) -> DatasetVersion:
        """Pack a version and push it, unless that was done. Raises NotReady where the remote cannot be reached."""
        if version.archive is not None:
            return version
        path = self._path(version)
        manifest = self._manifest(version)
        archives.write(manifest, contents(self._blobs, manifest.entries), path)
        archive = self._dvc.track(path)
        with self._database.write() as connection:
            return datasets.keep_archive(connection, version.project, version.number, archive)

    def pull(self, version: DatasetVersion) -> Path:
        """Bring a version's archive back and check every byte of it against the manifest; where it lies.

        A copy here that was altered is replaced by the remote's. Raises Conflict for a version that never was pushed,
        NotFound and NotReady for the remote, BadData where the remote's own copy was altered.
        """
        if version.archive is None:
            raise Conflict(
                f"dataset version {version.number} of {version.project} is not in DVC",
                hint=f"Push it: sightloop data freeze {version.project} --track.",
            )
        path, manifest = self._path(version), self._manifest(version)
        self._dvc.fetch(path, version.archive)
        try:
            archives.check(path, manifest)
        except BadData:
            self._dvc.forget(version.archive)
            self._dvc.fetch(path, version.archive)
            archives.check(path, manifest)
        return path

    def verify(self, version: DatasetVersion) -> None:
        """Read a version's archive in the remote through. Raises NotFound, NotReady, and BadData for an altered one."""
        self._dvc.verify(str(version.archive))

    def _path(self, version: DatasetVersion) -> Path:
        return self._folder / version.project / f"{version.number}.tar"

    def _manifest(self, version: DatasetVersion) -> Manifest:
        return Manifest.from_bytes(self._blobs.get(version.manifest))


def contents(blobs: Blobs, entries: tuple[Entry, ...]) -> Iterable[bytes]:
    """The contents in the order of the entries, checked: all at once where memory has room for them, else singly."""
    if sum(entry.place.length for entry in entries) <= _AT_ONCE_BYTES:
        return blobs.read_many([entry.place for entry in entries], [entry.digest for entry in entries])
    return (blobs.read(entry.place, entry.digest) for entry in entries)
