"""Finds a hand in a picture and its 21 landmarks, as MediaPipe does (Zhang et al., 2020, "MediaPipe Hands").

A palm is looked for in the whole picture (an SSD with anchors), its hand is cut out upright, and the landmarks are read
off the cut. The two networks are MediaPipe's own (Apache-2.0); `sightloop hands install` brings them.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadLandmarks, MissingExtra
from sightloop.values.landmarks import HAND, PALM, POINTS, Landmarks
from sightloop.values.palms import GROWN, HAND_SIDE, MIDDLE, PALM_SIDE, SHIFTED, WRIST, anchors

ENOUGH = (640, 640)
"""The height and width of a picture that is large enough to find a hand in: a larger one may be read smaller."""
_LEAST_PALM, _LEAST_HAND, _OVERLAP = 0.5, 0.5, 0.3
_TRIES = 3

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Palm(NamedTuple):
    """A palm in pixels of the picture: its box's middle and side, and its turn from upright in radians."""

    x: float
    y: float
    side: float
    turn: float


class Hands:
    """Finds hands; threads may share it."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        missing = [name for name in (PALM, HAND) if not (folder / name).is_file()]
        if missing:
            raise MissingExtra(
                "hands cannot be found in pictures yet",
                expected=f"{' and '.join(missing)} in {folder}",
                hint="Bring the models with `sightloop hands install`, or send landmarks.",
            )
        try:
            from openvino import Core
        except ModuleNotFoundError as error:
            raise MissingExtra("finding hands needs OpenVINO", hint="Install `sightloop[hands]`.") from error
        core = Core()
        # By itself it would count in bfloat16 where the processor can, which moves landmarks.
        given = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self._palm, self._hand = (
            core.compile_model(core.read_model(folder / name), "CPU", given) for name in (PALM, HAND)
        )
        self._own = threading.local()

    def find(self, pixels: Pixels) -> Landmarks:
        """The surest hand in a picture (height, width, 3) uint8 in RGB, in its pixels. Raises BadLandmarks for none."""
        for palm in self._palms(pixels)[:_TRIES]:
            found = self._landmarks(pixels, palm)
            if found is not None:
                return found
        raise BadLandmarks(
            "no hand was found in the picture", expected="a picture of a hand", hint="Show the whole hand, well lit."
        )

    def _palms(self, pixels: Pixels) -> list[Palm]:
        """The palms in a picture, the surest first."""
        height, width = pixels.shape[:2]
        side = max(height, width)
        numbers, scores = self._run("palm", _cut(pixels, (width / 2, height / 2), 0.0, side, PALM_SIDE))
        sure = 1 / (1 + np.exp(-scores.reshape(-1).clip(-100, 100)))
        found = np.flatnonzero(sure >= _LEAST_PALM)
        places: Floats = numbers.reshape(-1, 18)[found] / np.float32(PALM_SIDE)
        places[:, :2] += anchors()[found]
        places[:, 4:] += np.tile(anchors()[found], 7)
        # From shares of the square that was looked at to pixels of the picture.
        places *= np.float32(side)
        offset = np.array([(width - side) / 2, (height - side) / 2], np.float32)
        places[:, :2] += offset
        places[:, 4:] += np.tile(offset, 7)
        return [_palm(row) for row in _merged(places, sure[found].astype(np.float32))]

    def _landmarks(self, pixels: Pixels, palm: Palm) -> Landmarks | None:
        outputs = self._run("hand", _cut(pixels, (palm.x, palm.y), palm.turn, palm.side, HAND_SIDE))
        points, present = outputs[0].reshape(POINTS, 3), float(outputs[1].reshape(-1)[0])
        if present < _LEAST_HAND:
            return None
        points = points / np.float32(HAND_SIDE)
        points[:, :2] -= 0.5
        cosine, sine = np.cos(palm.turn), np.sin(palm.turn)
        turned = points[:, :2] @ np.array([[cosine, sine], [-sine, cosine]])
        whole = np.concatenate([turned * palm.side + (palm.x, palm.y), points[:, 2:] * palm.side], axis=1)
        return Landmarks(whole.astype(np.float32))

    def _run(self, name: str, pixels: Pixels) -> list[Floats]:
        """The outputs of a network for a square of pixels; each thread has requests of its own."""
        if not hasattr(self._own, name):
            model: Any = self._palm if name == "palm" else self._hand
            setattr(self._own, name, model.create_infer_request())
        request = getattr(self._own, name)
        found = request.infer([pixels[None].astype(np.float32) / 255])
        return [np.array(found[place], np.float32) for place in range(len(found))]


@cache
def opened(folder: Path) -> Hands:
    """The finder over these models, opened once in a process. Raises MissingExtra where they are not there."""
    return Hands(folder)


def _cut(pixels: Pixels, middle: tuple[float, float], turn: float, side: float, to: int) -> Pixels:
    """A square around a point, turned by so many radians, as `to` x `to` pixels; black beyond the picture."""
    cosine, sine = np.cos(turn) * side / to, np.sin(turn) * side / to
    half = to / 2
    from_cut = np.array(
        [
            [cosine, -sine, middle[0] - half * cosine + half * sine],
            [sine, cosine, middle[1] - half * sine - half * cosine],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, from_cut, (to, to), flags=how), np.uint8)


def _merged(places: Floats, scores: Floats) -> list[Floats]:
    """Of palms that overlap one: their mean, weighted by their scores; the surest first."""
    order = np.argsort(-scores)
    places, scores = places[order], scores[order]
    merged = []
    while len(places):
        same = _overlaps(places[0], places) > _OVERLAP
        same[0] = True
        merged.append((places[same] * scores[same, None]).sum(axis=0) / scores[same].sum())
        places, scores = places[~same], scores[~same]
    return merged


def _overlaps(one: Floats, others: Floats) -> Floats:
    low = np.maximum(one[:2] - one[2:4] / 2, others[:, :2] - others[:, 2:4] / 2)
    high = np.minimum(one[:2] + one[2:4] / 2, others[:, :2] + others[:, 2:4] / 2)
    both = (high - low).clip(0).prod(axis=1)
    union = one[2] * one[3] + others[:, 2] * others[:, 3] - both
    return np.asarray(both / np.maximum(union, 1e-9), np.float32)


def _palm(row: Floats) -> Palm:
    """The hand's square around a palm: from the wrist to the middle finger upright, grown, and moved to the fingers."""
    x, y, width, height = (float(number) for number in row[:4])
    points = row[4:].reshape(7, 2)
    across, down = points[MIDDLE] - points[WRIST]
    turn = float(np.pi / 2 - np.arctan2(-down, across))
    turn -= 2 * np.pi * np.floor((turn + np.pi) / (2 * np.pi))
    x += height * SHIFTED * float(np.sin(turn))
    y -= height * SHIFTED * float(np.cos(turn))
    return Palm(x, y, max(width, height) * GROWN, turn)
