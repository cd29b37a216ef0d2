"""The black bars that stand beside a picture whose shape was kept in a model's input (`input.fit = "pad"`)."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Window(NamedTuple):
    """Where a picture stands between bars, in pixels of the input: corner, size."""

    x: int
    y: int
    width: int
    height: int


def window(pixels: Pixels) -> Window:
    """What of an input (height, width, 3) is picture: all but equally many black rows, or columns, at either end.

    So a picture's own black rim may count as bars. An input that is black all over is all picture.
    """
    height, width = pixels.shape[:2]
    lit: NDArray[np.bool_] = pixels.max(axis=2) > 0
    (top, bottom), (left, right) = _beside(lit.max(axis=1)), _beside(lit.max(axis=0))
    if top > left:
        return Window(0, top, width, height - top - bottom)
    return Window(left, 0, width - left - right, height)


def _beside(lit: NDArray[np.bool_]) -> tuple[int, int]:
    """How many places at the one end and the other are not lit: equally many, or one more where the rest is odd."""
    places = np.flatnonzero(lit)
    if not len(places):
        return 0, 0
    begin, end = int(places[0]), len(lit) - 1 - int(places[-1])
    least = min(begin, end)
    return min(begin, least + 1), min(end, least + 1)


def within(pixels: Pixels, part: Window) -> Pixels:
    """The picture between the bars."""
    return pixels[part.y : part.y + part.height, part.x : part.x + part.width]


def barred(pixels: Pixels, part: Window) -> Pixels:
    """The same with black bars around the window."""
    return extended(within(pixels, part), part, pixels.shape, cv2.BORDER_CONSTANT)


def filled(pixels: Pixels, part: Window) -> Pixels:
    """The same with no bars: beyond the window the picture goes on as in a mirror."""
    return extended(within(pixels, part), part, pixels.shape, cv2.BORDER_REFLECT_101)


def extended(picture: Pixels, part: Window, shape: tuple[int, ...], how: int) -> Pixels:
    """What stands in a window brought to the input's `shape` (height, width, ...), by one of OpenCV's borders."""
    below, right = shape[0] - part.y - part.height, shape[1] - part.x - part.width
    return np.asarray(cv2.copyMakeBorder(picture, part.y, below, part.x, right, how), np.uint8)
