"""Stored samples with boxes, as detectors are trained and judged on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadData, BadInput
from sightloop.store.blobs import Blobs
from sightloop.tasks.task import Task
from sightloop.trainers.trainer import Pictures
from sightloop.values.dataset import Entry
from sightloop.values.image import MAX_PIXELS
from sightloop.values.recipe import Recipe

CHUNK = 64
"""How many pictures are read at a time."""

Rows = NDArray[np.float32]


def load(blobs: Blobs, entries: Sequence[Entry], classes: Sequence[str]) -> Pictures:
    """All entries in their order: their files, and their boxes of these classes."""
    found: dict[int, bytes] = {}
    for rows, contents in chunks(blobs, entries):
        found |= zip(rows, contents, strict=True)
    return Pictures([found[row] for row in range(len(entries))], truths(entries, classes))


def chunks(blobs: Blobs, entries: Sequence[Entry]) -> Iterator[tuple[list[int], list[bytes]]]:
    """The entries some at a time, in the order in which they lie in the store: the rows they stand in, and contents."""
    order = sorted(range(len(entries)), key=lambda row: (entries[row].place.blob, entries[row].place.offset))
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        yield rows, list(blobs.read_many([entries[row].place for row in rows], [entries[row].digest for row in rows]))


def check(blobs: Blobs, entries: Sequence[Entry], recipe: Recipe) -> None:
    """Read and prepare each picture. Raises BadData with the digest of one that the task cannot read."""
    task: Task = plugins.load("tasks", recipe.task)
    for rows, contents in chunks(blobs, entries):
        for row, content in zip(rows, contents, strict=True):
            try:
                task.prepare(content, recipe.input, max_pixels=MAX_PIXELS)
            except BadInput as error:
                raise BadData(f"sample {entries[row].digest} cannot be read: {error}") from error


def truths(entries: Sequence[Entry], classes: Sequence[str]) -> list[Rows]:
    """For each entry its boxes (M, 5): corners in its own pixels, and the class's index; those of other classes not."""
    places = {label: place for place, label in enumerate(classes)}
    return [
        np.array(
            [[*box.corners, places[box.label]] for box in entry.boxes or () if box.label in places], np.float32
        ).reshape(-1, 5)
        for entry in entries
    ]
