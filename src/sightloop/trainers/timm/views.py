"""Training photographs as they are seen in an epoch: each changed anew, always alike for the same seed."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.tasks import bars
from sightloop.tasks.bars import Window
from sightloop.trainers.timm.backdrops import Backdrops
from sightloop.trainers.timm.greenscreen import CutOut, composed, cut
from sightloop.trainers.timm.photographs import Changes, Pixels, developed, framed, framing

_KEPT = 0.4
"""The share of photographs that keep their green screen: the project's own samples have it."""
_LEAST, _MOST = 0.3, 1.15
"""How large a hand that is cut out is seen, of the size that it has: the photographs' hands fill them."""
_LONGEST = 16 / 9
"""How many times as long as the other the longer side of a picture is, at most, that a cut-out hand is put into."""


class Views:
    """Changed copies of photographs (N, height, width, 3); with `green`, some of them on other backgrounds.

    With `padded` photographs stand between bars: these stay as they are, and the picture between them is changed.
    """

    def __init__(
        self, photographs: NDArray[np.uint8], changes: Changes, seed: int, *, green: bool, padded: bool = False
    ) -> None:
        self._photographs, self._changes, self._seed, self._padded = photographs, changes, seed, padded
        self._cuts = [self._cut(pixels) if green else None for pixels in photographs]
        self._backdrops = Backdrops(photographs, np.random.default_rng((seed, 1))) if self.cut else None
        # A hand that is cut out may come from any side; its picture as a whole may not.
        self._free = msgspec.structs.replace(changes, rotate=180.0, stretch=max(changes.stretch, 0.2), shift=0.0)

    @property
    def plain(self) -> NDArray[np.uint8]:
        """The photographs as they are."""
        return self._photographs

    @property
    def cut(self) -> int:
        """How many photographs were taken off their green screen."""
        return sum(found is not None for found in self._cuts)

    def draw(self, rows: NDArray[np.intp], turn: int, *, kept: float = _KEPT) -> NDArray[np.uint8]:
        """The photographs of these rows in this turn, changed; a share `kept` stays before its green screen."""
        chance = np.random.default_rng((self._seed, 2, turn % 2**32))
        return np.stack([self._one(row, chance, kept) for row in rows])

    def _one(self, row: np.intp, chance: np.random.Generator, kept: float) -> Pixels:
        pixels, found = self._photographs[row], self._cuts[row]
        height, width = pixels.shape[:2]
        part = self._part(pixels)
        if found is None or self._backdrops is None or chance.random() < kept:
            seen = framed(bars.filled(pixels, part), framing(self._changes, chance, height, width))
        else:
            room = _room(chance, height, width) if self._padded else part
            place = _placed(chance, part, room) @ framing(self._free, chance, height, width)
            seen, part = composed(found, place, self._backdrops, chance), room
        return bars.barred(developed(seen, self._changes, chance), part)

    def _part(self, pixels: Pixels) -> Window:
        return bars.window(pixels) if self._padded else Window(0, 0, pixels.shape[1], pixels.shape[0])

    def _cut(self, pixels: Pixels) -> CutOut | None:
        """What stands before the green; beyond a picture's rim it goes on, as an arm does."""
        part = self._part(pixels)
        found = cut(bars.within(pixels, part))
        if found is None:
            return None
        both, border = (found.pixels, found.cover), cv2.BORDER_REPLICATE
        return CutOut(*(bars.extended(plane, part, pixels.shape, border) for plane in both))


def _room(chance: np.random.Generator, height: int, width: int) -> Window:
    """Where a picture of any shape stands, from a tall one to a wide one."""
    shape = np.exp(chance.uniform(-1, 1) * np.log(_LONGEST))  # of its width to its height
    high, wide = (max(1, round(side)) for side in (min(height, width / shape), min(width, height * shape)))
    return Window((width - wide) // 2, (height - high) // 2, wide, high)


def _placed(chance: np.random.Generator, part: Window, room: Window) -> NDArray[np.float64]:
    """A map from a part into a room, smaller or larger, and anywhere as far as half of it can still be seen."""
    size = np.exp(chance.uniform(np.log(_LEAST), np.log(_MOST)))
    free = (1 - size) / 2 if size < 0.8 else 0.1
    across, down = (0.5 + chance.uniform(-free, free, 2)) * (room.width, room.height)
    by = size * np.sqrt(room.width * room.height / (part.width * part.height))
    right = room.x + across - by * (part.x + part.width / 2)
    below = room.y + down - by * (part.y + part.height / 2)
    return np.array([[by, 0, right], [0, by, below], [0, 0, 1]])
