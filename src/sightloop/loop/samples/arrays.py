"""Stored samples as the arrays that models take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadData, BadInput
from sightloop.store.blobs import Blobs
from sightloop.trainers.trainer import Arrays
from sightloop.values.dataset import Entry
from sightloop.values.image import MAX_PIXELS
from sightloop.values.recipe import Input

CHUNK = 1000
"""How many samples are read and prepared at a time."""


def load(blobs: Blobs, entries: Sequence[Entry], *, task: str, spec: Input, classes: Sequence[str]) -> Arrays:
    """All entries in their order, prepared: inputs (N, *spec.shape) and targets (N,)."""
    inputs = np.empty((len(entries), *spec.shape), np.uint8 if spec.kind == "image" else np.float32)
    for rows, prepared in chunks(blobs, entries, task=task, spec=spec):
        inputs[rows] = prepared
    return Arrays(inputs, targets(entries, classes))


def targets(entries: Sequence[Entry], classes: Sequence[str]) -> NDArray[np.int64]:
    """The index of each entry's class (N,); -1 where its label is no class."""
    place = {label: index for index, label in enumerate(classes)}
    return np.array([place.get(entry.label, -1) for entry in entries], np.int64)


def chunks(
    blobs: Blobs, entries: Sequence[Entry], *, task: str, spec: Input
) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """The entries a chunk at a time, as the rows that they stand in and their prepared inputs (n, *spec.shape).

    They come in the order in which they lie in the blob store, so that each blob is read about once. Raises BadData
    with the digest of a sample that the task cannot read.
    """
    prepare = plugins.load("tasks", task).prepare
    places = [entry.place for entry in entries]
    order = sorted(range(len(entries)), key=lambda row: (places[row].blob, places[row].offset))
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        contents = blobs.read_many([places[row] for row in rows], [entries[row].digest for row in rows])
        prepared = []
        for row, content in zip(rows, contents, strict=True):
            try:
                prepared.append(prepare(content, spec, max_pixels=MAX_PIXELS).inputs[0])
            except BadInput as error:
                raise BadData(f"sample {entries[row].digest} cannot be read: {error}") from error
        yield rows, np.stack(prepared)
