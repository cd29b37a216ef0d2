"""Samples made harder, as life does it: darker, blurred, turned. The same seed gives the same sample.

The kinds for images follow Hendrycks and Dietterich (2019), "Benchmarking Neural Network Robustness to Common
Corruptions". Each has three strengths, 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.tasks import bars

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]

_BRIGHTER, _DARKER = (40, 80, 120), (0.6, 0.35, 0.15)  # levels added; share of the light that is left
_BLUR = ((0.5, 0.01), (0.75, 0.02), (1.0, 0.035))  # sigma in pixels at least, and as a share of the shorter side
_NOISE = (10.0, 25.0, 45.0)  # sigma in levels
_QUALITY = (50, 25, 10)
_TURN = (10.0, 20.0, 30.0)  # degrees, to either side
_JITTER = (0.01, 0.02, 0.04)  # sigma as a share of the hand's extent
_HAND_TURN = (15.0, 30.0, 45.0)
_FACTOR = (1.5, 2.0, 4.0)  # larger or smaller


def corrupt(sample: NDArray[Any], kind: str, strength: int, seed: int) -> NDArray[Any]:
    """The sample made harder: pixels (height, width, 3) uint8 or a hand's points (21, 3) float32, as it was given.

    Raises BadRecipe for a kind that such samples do not have.
    """
    kinds = _IMAGE if sample.dtype == np.uint8 else _HAND
    if kind not in kinds:
        raise BadRecipe(f"{kind!r} cannot be done to such samples", expected=", ".join(kinds))
    return kinds[kind](sample, strength - 1, np.random.default_rng(seed))


def corrupt_between_bars(pixels: Pixels, kind: str, strength: int, seed: int) -> Pixels:
    """The picture in an input (height, width, 3) made harder, and not the bars, which it gets afterwards."""
    part = bars.window(pixels)
    picture = np.ascontiguousarray(bars.within(pixels, part))
    return bars.extended(corrupt(picture, kind, strength, seed), part, pixels.shape, cv2.BORDER_CONSTANT)


def _brighten(pixels: Pixels, at: int, _random: Generator) -> Pixels:
    return np.clip(pixels.astype(np.int16) + _BRIGHTER[at], 0, 255).astype(np.uint8)


def _darken(pixels: Pixels, at: int, _random: Generator) -> Pixels:
    return np.round(pixels * _DARKER[at]).astype(np.uint8)


def _blur(pixels: Pixels, at: int, _random: Generator) -> Pixels:
    least, share = _BLUR[at]
    sigma = max(least, share * min(pixels.shape[:2]))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _add_noise(pixels: Pixels, at: int, random: Generator) -> Pixels:
    noisy = pixels + random.normal(scale=_NOISE[at], size=pixels.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def _compress(pixels: Pixels, at: int, _random: Generator) -> Pixels:
    # The channels' order makes little difference to a JPEG, so they stay as they are.
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY[at]])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _turn(pixels: Pixels, at: int, random: Generator) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), _either(_TURN[at], random), 1.0)
    turned = cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _jitter(points: Points, at: int, random: Generator) -> Points:
    extent = float(np.ptp(points[:, :2], axis=0).max())
    return (points + random.normal(scale=_JITTER[at] * extent, size=points.shape)).astype(np.float32)


def _turn_hand(points: Points, at: int, random: Generator) -> Points:
    angle = np.deg2rad(_either(_HAND_TURN[at], random))
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned, centre = points.copy(), points[:, :2].mean(axis=0)
    turned[:, :2] = (points[:, :2] - centre) @ matrix.T + centre
    return turned


def _scale(points: Points, at: int, random: Generator) -> Points:
    factor = _FACTOR[at] ** random.choice((-1, 1))
    centre = points.mean(axis=0)
    scaled: Points = ((points - centre) * factor + centre).astype(np.float32)
    return scaled


def _either(angle: float, random: Generator) -> float:
    return float(angle * random.choice((-1, 1)))


_Kinds = dict[str, Callable[[Any, int, Generator], NDArray[Any]]]
_IMAGE: _Kinds = {
    "brightness": _brighten,
    "darkness": _darken,
    "blur": _blur,
    "noise": _add_noise,
    "jpeg": _compress,
    "rotation": _turn,
}
_HAND: _Kinds = {"jitter": _jitter, "rotation": _turn_hand, "scale": _scale}
