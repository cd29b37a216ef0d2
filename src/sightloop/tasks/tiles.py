"""Where a detector looks: the whole picture, or overlapping tiles of it too, each laid into the model's input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightloop.values.image import Image
from sightloop.values.recipe import Input

OVERLAP = 0.2
"""How much of a tile its neighbour has too: what is cut at the edge of one is whole in the other."""
GREY = 114
"""What fills the input where the picture has another shape."""


class Tile(NamedTuple):
    """A part of a picture, in its pixels: corner, size."""

    x: int
    y: int
    width: int
    height: int


def tiles(width: int, height: int, spec: Input) -> list[Tile]:
    """The whole picture, and after it the tiles that the recipe asks for, row by row."""
    whole = Tile(0, 0, width, height)
    rows, columns = spec.tiles
    if rows == columns == 1:
        return [whole]
    parts = [Tile(x, y, wide, high) for y, high in _stretches(height, rows) for x, wide in _stretches(width, columns)]
    return [whole, *parts]


def scale(tile: Tile, spec: Input) -> float:
    """How many pixels of the input one pixel of the tile becomes."""
    return min(spec.width / tile.width, spec.height / tile.height)


def laid(pixels: NDArray[np.uint8], tile: Tile, spec: Input) -> NDArray[np.uint8]:
    """A tile at the input's size (height, width, 3): scaled with its shape kept, at the top left, grey around it."""
    part = Image(pixels[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width])
    return part.padded(spec.height, spec.width, fill=GREY, middle=False)


def _stretches(length: int, parts: int) -> list[tuple[int, int]]:
    """So many overlapping stretches of a length, as (begin, length)."""
    size = max(1, round(length / (parts - (parts - 1) * OVERLAP)))
    return [(round(place * (length - size) / max(parts - 1, 1)), size) for place in range(parts)]
