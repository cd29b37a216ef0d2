"""Detection: a picture in, a box for each thing of the project's classes out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.tasks.task import Prepared, Size
from sightloop.tasks.tiles import Tile, laid, scale, tiles
from sightloop.values.box import Box
from sightloop.values.image import Image
from sightloop.values.package import Package
from sightloop.values.prediction import Detections
from sightloop.values.recipe import Input

MOST = 300
"""The most boxes in one answer."""
OVERLAP = 0.65
"""Of two boxes of one class that overlap (intersection over union) by more, only the surer one is answered."""
_EDGE = 2.0  # pixels of a tile's inner edge: a box that touches it is cut off, and whole in the neighbour
_LEAST_SIDE = 1e-3
_DOUBT = 0.01  # of a score: how near to the threshold rounding may decide whether a box is there

Rows = NDArray[np.float32]


class Detection:
    """Detection of things in pictures."""

    boxed = True

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> Prepared:
        """An image file as pixels (height, width, 3) uint8: whole, and a tile at a time. Raises BadImage, TooLarge."""
        if spec.kind != "image":
            raise BadRecipe("this task takes images", expected='input.kind = "image"', got=repr(spec.kind))
        rows, columns = spec.tiles
        decoded = Image.decode(content, max_pixels=max_pixels, least=(rows * spec.height, columns * spec.width))
        return prepared(decoded.pixels, spec, Image.size_of(content))

    def lay(self, pixels: NDArray[np.uint8], spec: Input) -> Prepared:
        """A frame, whole and a tile at a time."""
        return prepared(pixels, spec)

    def read(self, rows: Sequence[Rows], card: Package, size: Size) -> Detections:
        """The boxes of at least the card's threshold in the outputs (K, 6) for one picture's inputs."""
        width, height = size
        found = located(rows, card.input, size)
        sure = found[found[:, 4] >= card.threshold].tolist()
        boxes = [
            Box(label=card.classes[int(place)], x1=x1, y1=y1, x2=x2, y2=y2, score=score)
            for x1, y1, x2, y2, score, place in sure
        ]
        return Detections(boxes=boxes, width=width, height=height)

    def difference(self, got: Rows, expected: Rows, card: Package) -> float:
        """How far the boxes (N, K, 6) are from those expected: of a corner, as a share of the input, or of a score.

        Each expected box is looked for among those of its class. Boxes of scores so near to the threshold, or to the
        last place, that rounding may decide whether they are there are not asked for.
        """
        if got.shape != expected.shape:
            return float("inf")
        largest = float(max(card.input.height, card.input.width))
        pairs = zip(got, expected, strict=True)
        return max((_furthest(ours, theirs, card.threshold, largest) for ours, theirs in pairs), default=0.0)


def prepared(pixels: NDArray[np.uint8], spec: Input, size: Size | None = None) -> Prepared:
    """Pixels (height, width, 3) as inputs; `size` is that of the picture where they are a reduced copy of it."""
    height, width = pixels.shape[:2]
    return Prepared(tuple(laid(pixels, tile, spec) for tile in tiles(width, height, spec)), size or (width, height))


def located(rows: Sequence[Rows], spec: Input, size: Size) -> Rows:
    """The boxes in the outputs (K, 6) for one picture's inputs, in its own pixels, the surest first; at most 300."""
    width, height = size
    layout = tiles(width, height, spec)
    parts = [_placed(row[row[:, 4] > 0], tile, spec, size) for row, tile in zip(rows, layout, strict=True)]
    found = parts[0] if len(parts) == 1 else _merged(np.concatenate(parts))
    found[:, [0, 2]] = found[:, [0, 2]].clip(0, width)
    found[:, [1, 3]] = found[:, [1, 3]].clip(0, height)
    return found[((found[:, 2:4] - found[:, :2]) > _LEAST_SIDE).all(axis=1)]


def _placed(found: Rows, tile: Tile, spec: Input, size: Size) -> Rows:
    """Boxes of a tile's input in the picture's pixels, without those that the tile's inner edges cut."""
    placed = found.astype(np.float32)
    placed[:, :4] = placed[:, :4] / scale(tile, spec) + np.array([tile.x, tile.y] * 2, np.float32)
    whole = np.ones(len(placed), bool)
    for column, edge, outer in (
        (0, tile.x, 0),
        (1, tile.y, 0),
        (2, tile.x + tile.width, size[0]),
        (3, tile.y + tile.height, size[1]),
    ):
        if edge != outer:
            whole &= np.abs(placed[:, column] - edge) > _EDGE
    return placed[whole]


def _merged(found: Rows) -> Rows:
    """The boxes of all tiles without doubles, class by class."""
    if not len(found):
        return found
    corner_and_size = np.concatenate([found[:, :2], found[:, 2:4] - found[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        corner_and_size.tolist(), found[:, 4].tolist(), found[:, 5].astype(int).tolist(), 0.0, OVERLAP
    )
    ordered: Rows = found[np.asarray(kept, int)]
    surest: Rows = ordered[np.argsort(-ordered[:, 4], kind="stable")[:MOST]]
    return surest


def _furthest(got: Rows, expected: Rows, threshold: float, largest: float) -> float:
    last = float(expected[-1, 4])
    least = max(threshold, last) + _DOUBT
    wanted = expected[expected[:, 4] >= least]
    return max((_nearest(got, one, largest) for one in wanted), default=0.0)


def _nearest(got: Rows, wanted: Rows, largest: float) -> float:
    same = got[(got[:, 5] == wanted[5]) & (got[:, 4] > 0)]
    if not len(same):
        return float("inf")
    off = np.abs(same[:, :5] - wanted[:5]) / np.array([largest] * 4 + [1.0], np.float32)
    return float(off.max(axis=1).min())


TASK = Detection()
