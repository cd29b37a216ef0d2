"""Putting model packages in charge of a project, in a home of a test's own."""

from __future__ import annotations

from pathlib import Path

from tests import packages

from sightloop.serve.video.filming import SOURCE
from sightloop.serve.video.studio import folder_of
from sightloop.settings import Settings
from sightloop.store import deployments, versions, videos
from sightloop.store import packages as stored
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.values.package import Sealed
from sightloop.values.version import ModelVersion, Verdict
from sightloop.values.video import Handling, Video


class Home:
    """A home with a database and blobs, and recipes that the test's packages fit."""

    def __init__(self, settings: Settings) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.database = Database(settings.database)
        self.database.migrate()
        self.blobs = Blobs(settings.blobs)

    def register(self, sealed: Sealed, verdict: Verdict = Verdict.ACCEPTED, reason: str = "as good") -> ModelVersion:
        """Give a package a number."""
        digest = stored.save(self.blobs, sealed)
        with self.database.write() as connection:
            return versions.register(connection, sealed.card.project, digest, sealed.card, verdict, reason)

    def deploy(self, sealed: Sealed) -> ModelVersion:
        """Give a package a number and make it the champion."""
        version = self.register(sealed)
        with self.database.write() as connection:
            deployments.promote(connection, version.project, version.number, "test", "test", licences=frozenset())
        return version

    def send(self, project: str, clip: Path) -> Video:
        """Bring a video in, which then waits for a worker."""
        with self.database.write() as connection:
            video = videos.open(connection, project, clip.name, 1, Handling())
            folder_of(self.settings, video.id).mkdir(parents=True)
            (folder_of(self.settings, video.id) / SOURCE).hardlink_to(clip)
            return videos.receive(connection, video.id, 1)


def write_recipes(folder: Path) -> Path:
    """A folder with the recipes of `tests.packages`, in place of those that ship."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in packages.TEXTS.items():
        (folder / f"{name}.toml").write_text(text)
    return folder
