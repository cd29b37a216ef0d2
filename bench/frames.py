"""Photographs of people set into a webcam's wide frames and a phone's tall ones, amid other photographs.

People get smaller by it, and frames have another shape than the photographs that rps learns from. What stands around
them, leaves and football, is in no training of rps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.values.image import Image

Pixels = NDArray[np.uint8]

SHAPES = {"16:9": (720, 1280), "9:16": (1280, 720)}
SHARES = (1.0, 0.7)
"""How much of the frame a photograph fills, of what it can."""


def photographs(data: Path) -> list[tuple[str, Pixels]]:
    """The photographs of people, each with what the hand in it shows."""
    files = sorted((data / "gestures" / "photos").glob("*/*.jpg"))
    return [(file.parent.name, Image.decode(file.read_bytes()).pixels) for file in files]


def frames(photographs: list[tuple[str, Pixels]], data: Path) -> Iterator[tuple[str, str, Pixels]]:
    """Each photograph in a frame of each kind: the kind, what the hand shows, and the frame."""
    rooms = [Image.decode(file.read_bytes()).pixels for file in sorted((data / "leaves").glob("*/*"))[4::23]]
    rooms += [Image.decode(file.read_bytes()).pixels for file in sorted((data / "football").rglob("*.jpg"))[::7][:20]]
    for title, size in SHAPES.items():
        for share in SHARES:
            chance = np.random.default_rng(99)
            for shown, pixels in photographs:
                yield (
                    f"{title}, {share:.0%}",
                    shown,
                    _set(pixels, rooms[chance.integers(len(rooms))], size, share, chance),
                )


def _set(pixels: Pixels, room: Pixels, size: tuple[int, int], share: float, chance: np.random.Generator) -> Pixels:
    """A photograph anywhere in a frame (height, width) that a room fills, its border soft."""
    height, width = size
    by = share * min(height / pixels.shape[0], width / pixels.shape[1])
    part = Image(pixels).resized(round(pixels.shape[0] * by), round(pixels.shape[1] * by))
    top, left = (int(chance.integers(0, 1 + side - own)) for side, own in zip(size, part.shape, strict=False))
    there = np.zeros(size, np.float32)
    there[top : top + part.shape[0], left : left + part.shape[1]] = 1
    soft = (there * cv2.GaussianBlur(cv2.erode(there, np.ones((9, 9))), (0, 0), 4))[..., None]
    seen = np.zeros((height, width, 3), np.float32)
    seen[top : top + part.shape[0], left : left + part.shape[1]] = part
    return (seen * soft + _covering(room, height, width) * (1 - soft)).astype(np.uint8)


def _covering(room: Pixels, height: int, width: int) -> Pixels:
    """The middle of a picture at this size, its shape kept."""
    by = max(height / room.shape[0], width / room.shape[1])
    high, wide = max(height, round(room.shape[0] * by)), max(width, round(room.shape[1] * by))
    top, left = (high - height) // 2, (wide - width) // 2
    return Image(room).resized(high, wide)[top : top + height, left : left + width]
