"""Training photographs as they are seen in an epoch: each changed anew, always alike for the same seed."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm.backdrops import Backdrops
from sightloop.trainers.timm.greenscreen import composed, cut
from sightloop.trainers.timm.photographs import Changes, Pixels, developed, framed, framing

_KEPT = 0.4
"""The share of photographs that keep their green screen: the project's own samples have it."""
_LEAST, _MOST = 0.3, 1.15
"""How large a hand that is cut out is seen, of the size that it has: the photographs' hands fill them."""


class Views:
    """Changed copies of photographs (N, height, width, 3); with `green`, some of them on other backgrounds."""

    def __init__(self, photographs: NDArray[np.uint8], changes: Changes, seed: int, *, green: bool) -> None:
        self._photographs, self._changes, self._seed = photographs, changes, seed
        self._cuts = [cut(pixels) for pixels in photographs] if green else [None] * len(photographs)
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
        if found is None or self._backdrops is None or chance.random() < kept:
            seen = framed(pixels, framing(self._changes, chance, height, width))
        else:
            place = _placed(chance, height, width) @ framing(self._free, chance, height, width)
            seen = composed(found, place, self._backdrops, chance)
        return developed(seen, self._changes, chance)


def _placed(chance: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """A map that makes it smaller or larger, and puts it anywhere as far as half of it can still be seen."""
    size = np.exp(chance.uniform(np.log(_LEAST), np.log(_MOST)))
    free = (1 - size) / 2 if size < 0.8 else 0.1
    across, down = (0.5 + chance.uniform(-free, free, 2)) * (width, height)
    return np.array([[size, 0, across - size * width / 2], [0, size, down - size * height / 2], [0, 0, 1]])
