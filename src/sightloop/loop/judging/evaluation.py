"""How well a package answers samples that nothing was fitted to, through the runtime that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadData
from sightloop.loop.judging.report import Report
from sightloop.loop.samples.arrays import chunks, targets
from sightloop.runtimes.runtime import Session
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.package import Sealed

BATCH = 64


def evaluate(
    package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, runtime: str = "onnx", threads: int = 0
) -> Report:
    """The package's scores on these entries, and for each, in their order, whether it was right.

    A sample of a class that the package does not know counts as wrong, and is left out of the scores. Raises BadData
    where there is nothing to score.
    """
    card = package.card
    known = (truth := targets(entries, card.classes)) >= 0
    if not known.any():
        raise BadData(
            f"{card.project} has no held-out samples",
            expected="labelled samples on the test side",
            hint="Add labelled samples; their content decides which side they take.",
        )
    session = plugins.load("runtimes", runtime).open(package, threads=threads)
    answers = np.empty((len(entries), len(card.classes)), np.float32)
    for rows, prepared in chunks(blobs, entries, task=card.task, spec=card.input):
        answers[rows] = answer(session, prepared)
    scores = plugins.load("tasks", card.task).score(answers[known], truth[known], card.classes)
    return Report(scores, answers.argmax(axis=1) == truth, tuple(entry.label for entry in entries), answers=answers)


def answer(session: Session, inputs: NDArray[Any]) -> NDArray[np.float32]:
    """The probabilities (N, classes) of raw inputs (N, ...), some of them at a time."""
    starts = range(0, len(inputs), BATCH)
    return np.concatenate([session.run(inputs[start : start + BATCH])[0] for start in starts])
