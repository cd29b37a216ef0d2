"""The pictures that a detector did worst on, with every box: right, wrong, and missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.loop.samples.pictures import truths
from sightloop.store.blobs import Blobs
from sightloop.tasks import thumbnails
from sightloop.tasks.precision import THRESHOLDS, overlaps
from sightloop.values.dataset import Entry
from sightloop.values.image import Image

_SIZE = 720  # pixels of the longer side

Kind = Literal["right", "wrong", "missed"]
Rows = NDArray[np.float32]


class Drawn(Struct, frozen=True, kw_only=True):
    """A box in the picture's own pixels: an answer that found something, one that did not, or what none found."""

    kind: Kind
    x: float
    y: float
    width: float
    height: float
    told: str


class HardPicture(Struct, frozen=True, kw_only=True):
    """A picture (a `data:` URL) of `width` x `height` pixels before it was made smaller, and the boxes in it."""

    sample: str
    picture: str
    width: int
    height: int
    boxes: tuple[Drawn, ...]

    def count(self, kind: Kind) -> int:
        """How many boxes are of this kind."""
        return sum(box.kind == kind for box in self.boxes)


def hardest_pictures(
    boxes: Rows, entries: Sequence[Entry], classes: Sequence[str], blobs: Blobs, most: int
) -> list[HardPicture]:
    """Of these pictures those with most wrong and missed boxes, the worst first; none that was answered rightly.

    `boxes` (M, 7) are the answers: the picture's row, corners in its pixels, score, and the class's index.
    """
    drawn = [
        marked(boxes[boxes[:, 0] == row, 1:], truth, classes) for row, truth in enumerate(truths(entries, classes))
    ]
    off = np.array([sum(box.kind != "right" for box in each) for each in drawn])
    found = []
    for row in np.argsort(-off, kind="stable")[:most]:
        if not off[row]:
            break
        entry = entries[row]
        content = blobs.read(entry.place, entry.digest)
        width, height = Image.size_of(content)
        picture = thumbnails.url(content, "image", _SIZE)
        found.append(
            HardPicture(sample=entry.digest, picture=picture, width=width, height=height, boxes=tuple(drawn[row]))
        )
    return found


def marked(answers: Rows, truth: Rows, classes: Sequence[str]) -> list[Drawn]:
    """Each box with what became of it: a true box is found by the surest answer of its class that overlaps by half.

    `answers` are (K, 6), `truth` (M, 5). Missed boxes come last, so that they are drawn over the others.
    """
    left = list(range(len(truth)))
    drawn = []
    shared = overlaps(answers, truth)
    for row in np.argsort(-answers[:, 4], kind="stable"):
        near = [other for other in left if truth[other, 4] == answers[row, 5] and shared[row, other] >= THRESHOLDS[0]]
        if near:
            left.remove(max(near, key=lambda other: shared[row, other]))
        told = f"{classes[int(answers[row, 5])]} {answers[row, 4]:.2f}"
        drawn.append(_drawn("right" if near else "wrong", answers[row], told))
    return drawn + [_drawn("missed", truth[other], classes[int(truth[other, 4])]) for other in left]


def _drawn(kind: Kind, box: Rows, told: str) -> Drawn:
    x1, y1, x2, y2 = (round(float(corner), 1) for corner in box[:4])
    return Drawn(kind=kind, x=x1, y=y1, width=round(x2 - x1, 1), height=round(y2 - y1, 1), told=told)
