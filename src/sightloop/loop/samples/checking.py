"""What is wrong with the samples that a project has."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from sightloop.data.checks import Findings, check
from sightloop.store import datasets
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.values.dataset import Manifest
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled


class Checker:
    """Checks projects' samples one after another, and each state of them once."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self._blobs = blobs
        self._lock = threading.Lock()
        self._last: dict[str, tuple[str, Findings]] = {}

    def findings(self, recipe: Recipe) -> Findings:
        """What is wrong with the project's labelled samples of now. It reads and prepares every one of them."""
        with self._lock:
            with self._database.read() as connection:
                manifest = datasets.present(connection, recipe.name, recipe.classes)
            known = self._last.get(recipe.name)
            if known is None or known[0] != manifest.digest:
                self._last[recipe.name] = known = (manifest.digest, check(recipe, self._stored(manifest)))
            return known[1]

    def _stored(self, manifest: Manifest) -> Iterator[Labelled]:
        for entry in manifest.entries:
            content = self._blobs.read(entry.place)
            yield Labelled(
                content=content, label=entry.label, side=entry.side, origin=entry.digest[:12], boxes=entry.boxes
            )
