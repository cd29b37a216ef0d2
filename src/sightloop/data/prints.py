"""Prints of pictures, by which near duplicates are found: a difference hash of 256 bits, four 64-bit words.

The picture is shrunk to 16 rows of 17 grey values, and each bit says whether a value is above its left neighbour. Two
pictures are near duplicates where at most 20 bits differ: in the real sets of docs/data.md, 95 of 100 photographs that
were written anew, scaled, brightened or made noisy differ by 16 bits or fewer, and the nearest other one by some 50.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadInput
from sightloop.values.image import Image

NEAR = 20
"""The most bits in which near duplicates differ."""
LEAST = 64
"""Pictures with a shorter side have no print: of drawn digits, many different ones would look alike."""

_GRID = 16
_WORDS = 4
_BARE = 40  # fewer bits set, or unset, and most of the picture is one flat colour, which says nothing
_AT_ONCE = 2**21  # comparisons
_CUTS = tuple(step * 0.0125 for step in range(11))  # finer than the steps at which a print no longer fits

Prints = NDArray[np.uint64]


def of(content: bytes) -> str | None:
    """The print of a picture as 64 hexadecimal digits; None for a small or flat one, and for what is no picture."""
    try:
        if min(Image.size_of(content)) < LEAST:  # from the header alone, since digits come by the ten thousands
            return None
        pixels = Image.decode(content, least=(LEAST, LEAST)).pixels
    except BadInput:
        return None
    bits = _bits(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    if not _BARE <= int(bits.sum()) <= bits.size - _BARE:
        return None
    return np.packbits(bits).tobytes().hex()


def cuts(pixels: NDArray[np.uint8]) -> Prints:
    """Prints (N, 4) of a picture with up to an eighth cut off all round, also mirrored; the whole picture's first."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    found = []
    for seen in (grey, grey[:, ::-1]):
        for cut in _CUTS:
            top, left = round(height * cut), round(width * cut)
            found.append(np.packbits(_bits(seen[top : height - top, left : width - left])).tobytes())
    return np.frombuffer(b"".join(found), np.uint64).reshape(-1, _WORDS)


def distance(one: Prints, other: Prints) -> int:
    """The least number of bits in which a print of one (N, 4) differs from a print of the other (M, 4)."""
    return int(_distances(one, other).min())


def words(prints: Sequence[str] | bytes) -> Prints:
    """Prints as (N, 4) words, for `nearest` and `pairs`: of their digits, or of their bytes, one after the other."""
    packed = prints if isinstance(prints, bytes) else bytes.fromhex("".join(prints))
    return np.frombuffer(packed, np.uint64).reshape(-1, _WORDS)


def nearest(prints: Prints, among: Prints) -> list[int | None]:
    """For each print the row of the nearest one in `among` that is a near duplicate of it; of several, the first."""
    found: list[int | None] = [None] * len(prints)
    if not len(among):
        return found
    for start, distances in _compared(prints, among):
        best = distances.argmin(axis=1)
        for row in np.flatnonzero(distances.min(axis=1) <= NEAR):
            found[start + int(row)] = int(best[row])
    return found


def pairs(prints: Prints) -> list[tuple[int, int]]:
    """All pairs of rows that are near duplicates, the lower row first."""
    found: list[tuple[int, int]] = []
    for start, distances in _compared(prints, prints):
        near = np.argwhere(distances <= NEAR)
        found += [(start + int(one), int(other)) for one, other in near if start + one < other]
    return found


def _bits(grey: NDArray[Any]) -> NDArray[np.bool_]:
    small = np.asarray(cv2.resize(grey, (_GRID + 1, _GRID), interpolation=cv2.INTER_AREA))
    return np.asarray(small[:, 1:] > small[:, :-1])


def _compared(prints: Prints, among: Prints) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """The distances of some prints at a time to all others, with the row of the first: memory stays small."""
    rows = max(1, _AT_ONCE // max(1, len(among)))
    for start in range(0, len(prints), rows):
        yield start, _distances(prints[start : start + rows], among)


def _distances(prints: Prints, among: Prints) -> NDArray[np.uint16]:
    """How many bits differ, (len(prints), len(among))."""
    total = np.zeros((len(prints), len(among)), np.uint16)
    for word in range(_WORDS):
        total += np.bitwise_count(prints[:, word, None] ^ among[None, :, word])
    return total
