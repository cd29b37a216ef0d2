"""What a model makes of samples: one vector each, alike for samples that are alike to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.loop.samples.arrays import chunks
from sightloop.runtimes.runtime import Session
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.package import Package

_BATCH = 64


def of_entries(session: Session, card: Package, entries: Sequence[Entry], blobs: Blobs) -> NDArray[np.float32]:
    """The embeddings (N, dims) of samples in the store."""
    found = np.empty((len(entries), card.embedding), np.float32)
    for rows, prepared in chunks(blobs, entries, task=card.task, spec=card.input):
        found[rows] = of_inputs(session, prepared)
    return found


def of_inputs(session: Session, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The embeddings (N, dims) of raw inputs."""
    starts = range(0, len(inputs), _BATCH)
    return np.concatenate([session.run(inputs[start : start + _BATCH])[1] for start in starts])
