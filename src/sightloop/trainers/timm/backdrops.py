"""Backgrounds made on the fly: what may stand behind a hand when it is not a green screen."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Chance = np.random.Generator
Plane = NDArray[np.float32]

_OVER = 1.5  # made larger than needed, so that each use can take another part


class Backdrops:
    """A stock of made-up backgrounds, of scenes, and of patches of `photographs` (N, height, width, 3).

    Each draw varies one of them.
    """

    def __init__(self, photographs: NDArray[np.uint8], chance: Chance, count: int = 256) -> None:
        height, width = photographs.shape[1:3]
        self._size = (height, width)
        high, wide = int(height * _OVER), int(width * _OVER)
        seen = _Seen(photographs, _scenes())
        self._stock = [_mixed(chance, high, wide, seen).astype(np.uint8) for _ in range(count)]

    def draw(self, chance: Chance) -> NDArray[np.uint8]:
        """A background (height, width, 3): a part of one of the stock, turned, and its colours mixed anew."""
        height, width = self._size
        whole = self._stock[chance.integers(len(self._stock))]
        part = chance.uniform(0.3, 0.66)
        high, wide = (max(2, int(side * part)) for side in whole.shape[:2])
        top, left = (chance.integers(0, side - used + 1) for side, used in zip(whole.shape, (high, wide), strict=False))
        seen = cv2.resize(whole[top : top + high, left : left + wide], (width, height))[:: chance.choice((-1, 1))]
        mixed = seen[:, :: chance.choice((-1, 1)), chance.permutation(3)]
        return np.ascontiguousarray(mixed)


class _Seen(NamedTuple):
    """What a background may show that was photographed: parts of the training photographs, and other scenes."""

    photographs: NDArray[np.uint8]
    scenes: list[NDArray[np.uint8]]


def _scenes() -> list[NDArray[np.uint8]]:
    """Photographs that come with scikit-learn and matplotlib: a temple, a flower, a face."""
    import PIL.Image
    from matplotlib.cbook import get_sample_data
    from sklearn.datasets import load_sample_images

    face = np.asarray(PIL.Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)).convert("RGB"))
    return [*load_sample_images().images, face]


def _mixed(chance: Chance, height: int, width: int, seen: _Seen) -> Plane:
    """One or two kinds, the second seen through the first by soft or hard shapes."""
    first = _one(chance, height, width, seen)
    if chance.random() < 0.4:
        return first
    veil = _veil(chance, height, width)
    return first * (1 - veil) + _one(chance, height, width, seen) * veil


def _one(chance: Chance, height: int, width: int, seen: _Seen) -> Plane:
    kind = chance.choice(7, p=(0.14, 0.15, 0.12, 0.12, 0.22, 0.08, 0.17))
    if kind == 0:
        return np.full((height, width, 3), _colour(chance), np.float32)
    if kind == 1:
        return _clouds(chance, height, width)
    if kind == 2:
        return _gradient(chance, height, width)
    if kind == 3:
        return _weave(chance, height, width)
    if kind == 4:
        return _shapes(chance, height, width)
    if kind == 5:
        return _patch(chance, height, width, seen.photographs)
    return _scene(chance, height, width, seen.scenes)


def _colour(chance: Chance) -> Plane:
    """Rooms are grey, brown and white more often than they are colourful."""
    grey = chance.uniform(10, 250)
    return np.clip(grey + chance.normal(0, chance.choice((6, 25, 70)), 3), 0, 255).astype(np.float32)


def _clouds(chance: Chance, height: int, width: int) -> Plane:
    """Noise at many scales, the coarse ones strong or weak."""
    field = np.zeros((height, width, 3), np.float32)
    falling = chance.uniform(0.35, 0.9)
    for octave in range(7):
        cells = 2 ** (octave + 1)
        coarse = chance.normal(0, falling**octave, (cells, cells, chance.choice((1, 3)))).astype(np.float32)
        field += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, -1)
    return np.clip(_colour(chance) + field * chance.uniform(10, 60), 0, 255)


def _gradient(chance: Chance, height: int, width: int) -> Plane:
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    turn = chance.uniform(0, 2 * np.pi)
    place = (np.cos(turn) * across + np.sin(turn) * down).astype(np.float32)
    place = ((place - place.min()) / np.ptp(place))[..., None]
    seen: Plane = _colour(chance) * (1 - place) + _colour(chance) * place
    grain = chance.normal(0, chance.uniform(0, 8), seen.shape).clip(-20, 20)
    return np.asarray(seen + grain, np.float32)


def _weave(chance: Chance, height: int, width: int) -> Plane:
    """Stripes, checks, boards and cloth: two waves, bent a little, soft or hard."""
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    bent = cv2.resize(chance.normal(0, 6, (4, 4)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    turn, step = chance.uniform(0, np.pi), chance.uniform(3, 60)
    first = np.sin(((np.cos(turn) * across + np.sin(turn) * down) + bent) * 2 * np.pi / step)
    second = np.sin(
        ((np.cos(turn) * down - np.sin(turn) * across) + bent) * 2 * np.pi / (step * chance.uniform(0.5, 4))
    )
    wave = first if chance.random() < 0.5 else first * second
    place = (0.5 + 0.5 * np.clip(wave * chance.choice((1, 6)), -1, 1)).astype(np.float32)[..., None]
    seen: Plane = _colour(chance) * (1 - place) + _colour(chance) * place
    return seen


def _shapes(chance: Chance, height: int, width: int) -> Plane:
    """Things out of focus: boxes, blobs and bars in any colour, some of skin, over a plain or cloudy ground."""
    seen = _clouds(chance, height, width) if chance.random() < 0.5 else _gradient(chance, height, width)
    seen = np.ascontiguousarray(seen)
    for _ in range(chance.integers(3, 25)):
        tone = tuple(float(value) for value in (_skin(chance) if chance.random() < 0.15 else _colour(chance)))
        place = (int(chance.integers(width)), int(chance.integers(height)))
        reach = (chance.uniform(0.02, 0.3, 2) * (width, height)).astype(int) + 1
        if chance.random() < 0.4:
            angle = float(chance.uniform(0, 180))
            cv2.ellipse(seen, place, (int(reach[0]), int(reach[1])), angle, 0, 360, tone, -1, cv2.LINE_AA)
        elif chance.random() < 0.6:
            corners = (np.array(place) + chance.uniform(-1, 1, (chance.integers(3, 6), 2)) * reach).astype(np.int32)
            cv2.fillPoly(seen, [corners], tone, cv2.LINE_AA)
        else:
            end = (int(chance.integers(width)), int(chance.integers(height)))
            cv2.line(seen, place, end, tone, int(chance.integers(1, 14)), cv2.LINE_AA)
    blur = chance.choice((0.0, 1.0, 3.0, 8.0))
    return np.asarray(cv2.GaussianBlur(seen, (0, 0), blur) if blur else seen, np.float32)


def _skin(chance: Chance) -> Plane:
    """A tone between very dark and very pale skin."""
    pale, dark = np.array([240, 205, 180]), np.array([70, 45, 35])
    share = chance.random()
    return (pale * share + dark * (1 - share) + chance.normal(0, 6, 3)).astype(np.float32)


def _patch(chance: Chance, height: int, width: int, photographs: NDArray[np.uint8]) -> Plane:
    """A part of a training photograph, far too large or blurred to show what it shows, its colours turned."""
    whole = photographs[chance.integers(len(photographs))]
    side = [max(4, int(length * chance.uniform(0.1, 0.35))) for length in whole.shape[:2]]
    top, left = (chance.integers(0, length - used + 1) for length, used in zip(whole.shape, side, strict=False))
    seen = cv2.resize(whole[top : top + side[0], left : left + side[1]], (width, height)).astype(np.float32)
    mixing = chance.dirichlet((1, 1, 1), 3).astype(np.float32)
    return np.asarray(np.clip(seen @ mixing.T * chance.uniform(0.6, 1.6), 0, 255), np.float32)


def _scene(chance: Chance, height: int, width: int, scenes: list[NDArray[np.uint8]]) -> Plane:
    """A part of a scene, sharp or out of focus, in the light of another hour."""
    whole = scenes[chance.integers(len(scenes))]
    side = [int(length * chance.uniform(0.2, 0.9)) for length in whole.shape[:2]]
    top, left = (chance.integers(0, length - used + 1) for length, used in zip(whole.shape, side, strict=False))
    seen = cv2.resize(whole[top : top + side[0], left : left + side[1]], (width, height), interpolation=cv2.INTER_AREA)
    if chance.random() < 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), chance.uniform(1, 6))
    light = chance.uniform(0.3, 1.4) * chance.uniform(0.85, 1.15, 3)
    return np.asarray(np.clip(seen.astype(np.float32) * light.astype(np.float32), 0, 255), np.float32)


def _veil(chance: Chance, height: int, width: int) -> Plane:
    """Where the second kind shows, (height, width, 1) from 0 to 1."""
    cells = int(chance.integers(2, 7))
    field = chance.normal(0, 1, (cells, cells)).astype(np.float32)
    veil = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(1 / (1 + np.exp(-np.clip(veil * chance.choice((2, 12)), -30, 30))), np.float32)[..., None]
