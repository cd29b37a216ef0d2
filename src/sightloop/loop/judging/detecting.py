"""How well a detector's package answers pictures that nothing was fitted to, through the runtime that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sightloop import plugins
from sightloop.errors import BadData
from sightloop.loop.judging.report import Cost
from sightloop.loop.samples.pictures import Rows, chunks, truths
from sightloop.store.blobs import Blobs
from sightloop.tasks import precision
from sightloop.tasks.detection import located
from sightloop.tasks.precision import Found
from sightloop.values.dataset import Entry
from sightloop.values.image import MAX_PIXELS
from sightloop.values.package import Sealed
from sightloop.values.scores import DetectionScores


@dataclass(frozen=True, eq=False)
class BoxReport:
    """A detector's scores, and for each of the `classes` what it found where, so that pictures can be drawn by lot.

    `sure` are the boxes that it would answer with (M, 7): the picture's row, corners in its own pixels, score, class.
    """

    scores: DetectionScores
    found: tuple[Found, ...]
    classes: tuple[str, ...]
    cost: Cost | None = field(default=None)
    sure: Rows = field(default_factory=lambda: np.zeros((0, 7), np.float32))


def evaluate(
    package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, runtime: str = "onnx", threads: int = 0
) -> BoxReport:
    """The package's scores on these pictures. Raises BadData where there is no box to find."""
    card = package.card
    if not any(entry.boxes for entry in entries):
        raise BadData(
            f"{card.project} has no held-out boxes",
            expected="pictures with boxes on the test side",
            hint="Add some; the data set, or their content, decides which side they take.",
        )
    answers = answered(package, entries, blobs, runtime=runtime, threads=threads)
    found = precision.match(answers, truths(entries, card.classes), len(card.classes))
    scores = precision.score(found, card.classes, card.threshold)
    return BoxReport(scores, tuple(found), card.classes, sure=_sure(answers, card.threshold))


def answered(
    package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, runtime: str = "onnx", threads: int = 0
) -> list[Rows]:
    """The package's boxes (K, 6) for each picture, in its own pixels, also those below the card's threshold."""
    card = package.card
    prepare = plugins.load("tasks", card.task).prepare
    session = plugins.load("runtimes", runtime).open(package, threads=threads)
    answers = [np.zeros((0, 6), np.float32)] * len(entries)
    for rows, contents in chunks(blobs, entries):
        for row, content in zip(rows, contents, strict=True):
            prepared = prepare(content, card.input, max_pixels=MAX_PIXELS)
            outputs = [session.run(one[None])[0][0] for one in prepared.inputs]
            answers[row] = located(outputs, card.input, prepared.size)
    return answers


def _sure(answers: Sequence[Rows], threshold: float) -> Rows:
    rows = [np.insert(boxes, 0, picture, axis=1) for picture, boxes in enumerate(answers)]
    whole: Rows = np.concatenate([np.zeros((0, 7), np.float32), *rows])
    return whole[whole[:, 5] >= threshold]
