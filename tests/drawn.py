"""Photographs made up for tests, and the recipes of the photographed projects, small enough to train in seconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
SIDE = 96
_FINGERS = {"rock": 0, "scissors": 2, "paper": 5}
_SKIN = (224, 172, 140)


def recipe(folder: Path, name: str) -> Path:
    """A folder with a shipped recipe as it is, but for a tiny network without weights, one epoch, and no floors."""
    text = resources.files("sightloop.recipes").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    small = {
        r"^(height|width) = \d+": r"\1 = 64",
        r"^epochs = \d+": "epochs = 1",
        r"^backbone = .*": 'backbone = "test_efficientnet"',
        r"^weights = .*": 'weights = "none"',
        r"^frozen = \d+": "frozen = 1",
        r"^shrink = \d": "shrink = 1",
        r"^floors = .*": "",
    }
    for pattern, instead in small.items():
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def hand(label: str, seed: int) -> bytes:
    """A palm with none, two or five fingers before a green screen, as a JPEG."""
    mood = np.random.default_rng(seed)
    picture = np.full((SIDE, SIDE, 3), (30, 160, 60), np.uint8)
    middle = mood.integers(40, 56, 2)
    turn = mood.uniform(0, 2 * np.pi)
    for finger in range(_FINGERS[label]):
        angle = turn + finger * 0.5
        end = middle + 36 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(picture, (int(middle[0]), int(middle[1])), (int(end[0]), int(end[1])), _SKIN, 8, cv2.LINE_AA)
    cv2.circle(picture, (int(middle[0]), int(middle[1])), 18, _SKIN, -1, cv2.LINE_AA)
    return jpeg(picture, mood)


def leaf(label: str, seed: int) -> bytes:
    """A leaf of a colour and with spots that are its class's own, as a JPEG."""
    mood, kind = np.random.default_rng(seed), np.random.default_rng(sum(label.encode()))
    picture = np.full((SIDE, SIDE, 3), (150, 140, 150), np.uint8)
    colour, spot = ([int(value) for value in kind.integers(20, 200, 3)] for _ in range(2))
    middle, angle = mood.integers(42, 54, 2), float(mood.uniform(0, 180))
    cv2.ellipse(picture, (int(middle[0]), int(middle[1])), (40, 24), angle, 0, 360, colour, -1, cv2.LINE_AA)
    for place in mood.normal(middle, 10, (kind.integers(0, 8), 2)):
        cv2.circle(picture, (int(place[0]), int(place[1])), 4, spot, -1, cv2.LINE_AA)
    return jpeg(picture, mood)


def jpeg(picture: Pixels, mood: np.random.Generator) -> bytes:
    """The picture with the noise of a camera."""
    noisy = np.clip(picture + mood.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", noisy[..., ::-1])[1].tobytes()


def write(folder: Path, draw: Callable[[str, int], bytes], classes: tuple[str, ...], each: int) -> Path:
    """A folder with a folder of so many photographs for each class."""
    for label in classes:
        (folder / label).mkdir(parents=True)
        for seed in range(each):
            (folder / label / f"{seed}.jpg").write_bytes(draw(label, seed))
    return folder
