"""Training crops of pictures with boxes, at a detector's own scale, with rare classes shown as often as common ones.

A whole frame of 1280 pixels pressed into a small input leaves nothing of a ball; a crop of it does. What is drawn
follows from the seed alone.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import cv2
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.tasks.tiles import GREY, scale, tiles
from sightloop.trainers.trainer import Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Input

_VISIBLE = 0.4  # of a box's area that must be inside the crop; what is cut off further is not asked for
_LEAST_SIDE = 1.5  # pixels; smaller boxes are noise

Rows = NDArray[np.float32]
Factor = Annotated[float, Meta(gt=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Changes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How crops differ from their pictures: scale from `smallest` to `largest`, mirrored or not, light and colour."""

    smallest: Factor = 0.6
    largest: Factor = 1.6
    mirror: Share = 0.5
    light: Share = 0.25
    colour: Share = 0.25


class Crop(NamedTuple):
    """Pixels (size, size, 3) uint8 and the boxes (M, 5) in them."""

    pixels: NDArray[np.uint8]
    boxes: Rows


class Crops:
    """Draws crops of `size` pixels a side; every second one is laid around a box of a class that is drawn by lot.

    With `spec` a crop has the scale in which the model will see the picture, or a tile of it. Raises BadData without a
    single box.
    """

    def __init__(self, pictures: Pictures, size: int, changes: Changes, seed: int, spec: Input | None = None) -> None:
        self._pictures, self._size, self._changes, self._spec = pictures, size, changes, spec
        self._random = np.random.default_rng(seed)
        places = [(picture, row) for picture, boxes in enumerate(pictures.boxes) for row in range(len(boxes))]
        if not places:
            raise BadData("there is not one box to train on", hint="Label some pictures with boxes.")
        kinds = np.array([int(pictures.boxes[picture][row, 4]) for picture, row in places])
        self._of_class = [[places[at] for at in np.flatnonzero(kinds == kind)] for kind in np.unique(kinds)]

    def draw(self, count: int) -> list[Crop]:
        """So many crops, half of them around boxes, half anywhere."""
        return [self._around() if at % 2 else self._anywhere() for at in range(count)]

    def _around(self) -> Crop:
        places = self._of_class[self._random.integers(len(self._of_class))]
        picture, row = places[self._random.integers(len(places))]
        box = self._pictures.boxes[picture][row]
        return self._crop(picture, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))

    def _anywhere(self) -> Crop:
        return self._crop(int(self._random.integers(len(self._pictures))), None)

    def _crop(self, picture: int, around: tuple[float, float] | None) -> Crop:
        pixels = Image.decode(self._pictures.contents[picture]).pixels
        low, high = np.log(self._changes.smallest), np.log(self._changes.largest)
        by = float(np.exp(self._random.uniform(low, high))) * self._scale(pixels.shape[1], pixels.shape[0])
        side = self._size / by
        corner = [
            self._begin(length, side, None if around is None else around[axis])
            for axis, length in enumerate((pixels.shape[1], pixels.shape[0]))
        ]
        cut = cut_out(pixels, self._pictures.boxes[picture], (corner[0], corner[1]), by, self._size)
        if self._random.random() < self._changes.mirror:
            cut = mirrored(cut)
        return Crop(self._lit(cut.pixels), cut.boxes)

    def _scale(self, width: int, height: int) -> float:
        return 1.0 if self._spec is None else scale(tiles(width, height, self._spec)[-1], self._spec)

    def _begin(self, length: int, side: float, middle: float | None) -> float:
        """Where the crop begins along an axis: within the picture where it fits, with `middle` inside where given."""
        if side >= length:
            return float(self._random.uniform(length - side, 0))
        low, high = 0.0, length - side
        if middle is not None:
            low, high = max(low, middle - 0.9 * side), min(high, middle - 0.1 * side)
        return float(self._random.uniform(min(low, high), max(low, high)))

    def _lit(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        light, colour = (1 + self._random.uniform(-1, 1) * most for most in (self._changes.light, self._changes.colour))
        grey = pixels.mean(axis=2, keepdims=True, dtype=np.float32)
        return np.asarray(np.clip((grey + (pixels - grey) * colour) * light, 0, 255), np.uint8)


def cut_out(pixels: NDArray[np.uint8], boxes: Rows, corner: tuple[float, float], by: float, size: int) -> Crop:
    """A square of `size` pixels that begins at a corner (x, y) of the picture, scaled `by`; grey where it has none."""
    matrix = np.array([[by, 0, -corner[0] * by], [0, by, -corner[1] * by]])
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    cut = cv2.warpAffine(pixels, matrix, (size, size), flags=how, borderValue=(GREY, GREY, GREY))
    moved = boxes.copy()
    moved[:, :4] = (boxes[:, :4] - np.array([*corner, *corner], np.float32)) * by
    inside = moved.copy()
    inside[:, :4] = inside[:, :4].clip(0, size)
    return Crop(np.asarray(cut, np.uint8), inside[_stays(moved, inside)])


def mirrored(crop: Crop) -> Crop:
    """Left and right exchanged."""
    width = crop.pixels.shape[1]
    boxes = crop.boxes.copy()
    boxes[:, [0, 2]] = width - crop.boxes[:, [2, 0]]
    return Crop(np.ascontiguousarray(crop.pixels[:, ::-1]), boxes)


def _stays(whole: Rows, inside: Rows) -> NDArray[np.bool_]:
    sides = inside[:, 2:4] - inside[:, :2]
    areas = [rows[:, 2:4] - rows[:, :2] for rows in (whole, inside)]
    share = areas[1].clip(0).prod(axis=1) / np.maximum(areas[0].prod(axis=1), 1e-6)
    return np.asarray((share >= _VISIBLE) & (sides >= _LEAST_SIDE).all(axis=1))
