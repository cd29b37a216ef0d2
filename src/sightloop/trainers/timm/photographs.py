"""Changes to training photographs that leave their class as it is: framing, light, colour, blur, parts hidden."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

Share = Annotated[float, Meta(ge=0, le=1)]
Pixels = NDArray[np.uint8]


class Changes(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far a photograph may be changed; 0 or false leaves that out.

    `scale`, `stretch`, `shift` and `tilt` are shares of its size, `rotate` degrees, `light` and `colour` shares of the
    range; each is the largest change to either side. `erase`, `blur` and `grey` are shares of the photographs.
    """

    scale: Share = 0.25
    stretch: Share = 0.1
    shift: Share = 0.1
    rotate: Annotated[float, Meta(ge=0, le=180)] = 15.0
    tilt: Share = 0.05
    mirror: bool = True
    upside_down: bool = False
    light: Share = 0.25
    colour: Share = 0.1
    erase: Share = 0.2
    blur: Share = 0.1
    grey: Share = 0.0


def framing(changes: Changes, chance: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """A projective map (3, 3) about the middle: scaled, stretched, turned, tilted, mirrored, moved."""
    turn = np.deg2rad(chance.uniform(-changes.rotate, changes.rotate))
    size = np.exp(chance.uniform(-1, 1) * np.log1p(changes.scale))
    stretch = np.exp(chance.uniform(-1, 1) * np.log1p(changes.stretch))
    across, down = size * stretch, size / stretch
    if changes.mirror and chance.random() < 0.5:
        across = -across
    if changes.upside_down and chance.random() < 0.5:
        down = -down
    cosine, sine = np.cos(turn), np.sin(turn)
    middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    tilt = chance.uniform(-changes.tilt, changes.tilt, 2) / (width, height)
    shape = np.array([[across * cosine, -down * sine, 0], [across * sine, down * cosine, 0], [tilt[0], tilt[1], 1]])
    shift = chance.uniform(-changes.shift, changes.shift, 2) * (width, height)
    back = np.array([[1, 0, width / 2 + shift[0]], [0, 1, height / 2 + shift[1]], [0, 0, 1]])
    placed: NDArray[np.float64] = back @ shape @ middle
    return placed


def framed(pixels: Pixels, place: NDArray[np.float64]) -> Pixels:
    """The pixels through a projective map; beyond the border they repeat."""
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.warpPerspective(pixels, place, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def developed(pixels: Pixels, changes: Changes, chance: np.random.Generator) -> Pixels:
    """The pixels under another light, in other colours, perhaps blurred or grey, with a part hidden."""
    seen = pixels.astype(np.float32)
    if changes.colour:
        seen *= 1 + chance.uniform(-changes.colour, changes.colour, 3).astype(np.float32)
        grey = seen.mean(axis=2, keepdims=True)
        seen = grey + (seen - grey) * np.float32(1 + chance.uniform(-4, 4) * changes.colour)
    if chance.random() < changes.grey:
        seen = np.repeat(seen.mean(axis=2, keepdims=True), 3, axis=2)
    if changes.light:
        middle = seen.mean()
        seen = middle + (seen - middle) * np.float32(1 + chance.uniform(-changes.light, changes.light))
        seen = 255 * (np.clip(seen, 0, 255) / 255) ** np.float32(np.exp2(chance.uniform(-2, 2) * changes.light))
    if chance.random() < changes.blur:
        seen = cv2.GaussianBlur(seen, (0, 0), chance.uniform(0.4, 1.6)).astype(np.float32)
    if chance.random() < changes.blur:
        seen = seen + chance.normal(0, chance.uniform(2, 12), seen.shape).astype(np.float32)
    if chance.random() < changes.erase:
        _hide(seen, chance)
    return np.clip(seen, 0, 255).astype(np.uint8)


def _hide(pixels: NDArray[np.float32], chance: np.random.Generator) -> None:
    """Random erasing (Zhong et al., 2017) of up to a ninth of the area, in place."""
    sides = np.array(pixels.shape[:2])
    extent = np.maximum(1, (sides * chance.uniform(0.1, 1 / 3, 2)).astype(int))
    top, left = chance.integers(0, sides - extent + 1)
    pixels[top : top + extent[0], left : left + extent[1]] = chance.uniform(0, 255, 3)
