"""Hands taken off a green screen and put before other backgrounds, so that a model learns the hand and not the room."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm.backdrops import Backdrops
from sightloop.trainers.timm.photographs import Pixels

Chance = np.random.Generator
_LEAST, _MOST = 0.02, 0.9  # shares of the picture that a cut-out may cover; otherwise the key has failed


@dataclass(frozen=True, eq=False)
class CutOut:
    """What stood before the green: `pixels` (height, width, 3) without green light; `cover` (height, width) 0-255."""

    pixels: Pixels
    cover: Pixels


def cut(pixels: Pixels) -> CutOut | None:
    """What stands before a green backdrop, or None where there is no such backdrop.

    A pixel is backdrop as far as its green exceeds red and blue, in parts of the backdrop's own excess: a colour
    difference key (Vlahos). The largest pieces are kept, and holes filled.
    """
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    excess = (green - np.maximum(red, blue)) / np.maximum(pixels.max(axis=2), 32)
    rim = np.concatenate([excess[0], excess[-1], excess[:, 0], excess[:, -1]])
    screen = float(np.median(rim))
    if screen < 0.15:
        return None
    cover = np.clip((0.75 - excess / screen) / 0.45, 0, 1)
    cover = (cover * 255).astype(np.uint8)
    solid = _cleaned((cover > 127).astype(np.uint8))
    if not _LEAST < solid.mean() < _MOST:
        return None
    cover = np.minimum(cover, cv2.GaussianBlur(cv2.dilate(solid, np.ones((3, 3))) * 255, (0, 0), 0.7))
    cover = np.maximum(cover, cv2.erode(solid, np.ones((5, 5))) * 255).astype(np.uint8)
    clean = pixels.copy()
    clean[..., 1] = np.minimum(pixels[..., 1], np.maximum(pixels[..., 0], pixels[..., 2]))
    return CutOut(clean, cover)


def _cleaned(solid: Pixels) -> Pixels:
    """Without specks, and without pieces smaller than a fifth of the largest."""
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    solid = np.asarray(cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(solid)
    areas = facts[:, cv2.CC_STAT_AREA]
    if len(areas) < 2:
        return solid
    large = areas >= areas[1:].max() / 5
    large[0] = False
    return np.asarray(large[pieces], np.uint8)


def composed(found: CutOut, place: NDArray[np.float64], backdrops: Backdrops, chance: Chance) -> Pixels:
    """The cut-out, bent and through a projective map, with another skin, light, sleeve and shadow, on a background."""
    size = (found.cover.shape[1], found.cover.shape[0])
    found = _bent(found, chance)
    # Beyond the border the rim repeats, so that an arm goes on to the edge of the picture; some arms end there.
    beyond = cv2.BORDER_REPLICATE if chance.random() < 0.8 else cv2.BORDER_CONSTANT
    hand = cv2.warpPerspective(found.pixels, place, size, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    cover = cv2.warpPerspective(found.cover, place, size, borderMode=beyond)
    hand = _lit(_toned(hand, chance), chance)
    share = np.asarray(cover / 255, np.float32)[..., None]
    if chance.random() < 0.5:
        hand = _sleeved(hand, place, chance)
    behind = backdrops.draw(chance).astype(np.float32)
    if chance.random() < 0.5:
        behind = _shadowed(behind, share, chance)
    return np.clip(hand * share + behind * (1 - share), 0, 255).astype(np.uint8)


def _bent(found: CutOut, chance: Chance) -> CutOut:
    """Bent like rubber from a coarse random field: fingers and palms of other lengths, breadths and bearings."""
    height, width = found.cover.shape
    reach = chance.uniform(0, 0.05)
    coarse = chance.normal(0, reach, (4, 5, 2)).astype(np.float32) * np.array([width, height], np.float32)
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    where = (across + field[..., 0], down + field[..., 1])
    pixels, cover = (
        cv2.remap(plane, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for plane in (found.pixels, found.cover)
    )
    return CutOut(np.asarray(pixels, np.uint8), np.asarray(cover, np.uint8))


def _toned(hand: NDArray[np.float32], chance: Chance) -> NDArray[np.float32]:
    """Another skin, from very dark to very pale, and another white balance."""
    level = np.exp2(chance.uniform(-1.1, 0.7))
    seen = 255 * (np.clip(hand, 0, 255) / 255) ** np.float32(1 / level if level > 0 else 1)
    grey = seen.mean(axis=2, keepdims=True)
    seen = grey + (seen - grey) * np.float32(chance.uniform(0.2, 1.5))
    toned: NDArray[np.float32] = seen * chance.uniform(0.82, 1.18, 3).astype(np.float32)
    return toned


def _lit(hand: NDArray[np.float32], chance: Chance) -> NDArray[np.float32]:
    """Light that falls from one side."""
    height, width = hand.shape[:2]
    corners = chance.uniform(0.65, 1.35, (2, 2)).astype(np.float32)
    return hand * cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]


def _sleeved(hand: NDArray[np.float32], place: NDArray[np.float64], chance: Chance) -> NDArray[np.float32]:
    """A sleeve over the arm, from the side where the photographs' arms come in: the right, before it was placed."""
    height, width = hand.shape[:2]
    inverse = np.linalg.inv(place)
    down, across = np.mgrid[0:height, 0:width]
    depth = inverse[2, 0] * across + inverse[2, 1] * down + inverse[2, 2]
    source = (inverse[0, 0] * across + inverse[0, 1] * down + inverse[0, 2]) / depth
    edge = width * chance.uniform(0.85, 1.1)
    colour = chance.uniform(10, 245) + chance.normal(0, 35, 3)
    cloth = np.clip(colour + chance.normal(0, 10, (height, width, 1)), 0, 255) * (
        0.5 + hand.mean(axis=2, keepdims=True) / 255
    )
    return np.where((source > edge)[..., None], cloth, hand).astype(np.float32)


def _shadowed(behind: NDArray[np.float32], share: NDArray[np.float32], chance: Chance) -> NDArray[np.float32]:
    height, width = share.shape[:2]
    move = np.array([[1, 0, chance.uniform(-0.1, 0.1) * width], [0, 1, chance.uniform(-0.1, 0.1) * height]])
    fallen = cv2.warpAffine(share, move, (width, height))
    fallen = cv2.GaussianBlur(fallen, (0, 0), chance.uniform(1, 9))[..., None]
    return behind * (1 - np.float32(chance.uniform(0.15, 0.7)) * fallen).astype(np.float32)
