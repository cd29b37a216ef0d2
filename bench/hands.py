"""How well rps' photographs alone teach the shapes of other people's hands: python bench/hands.py DATA_FOLDER.

Shapes are learned as in rps' training (SIGHTLOOP_HOME names a home with the models of hands). They are asked for with
points that others found on photographs of other people: HaGRID's own annotations, of which x and y are known, and a
student's MediaPipe landmarks, of which many come from pictures that are hard. A palm, a hand held up and one turned
down count as paper, a fist as rock, two fingers up or down as scissors. In how many pictures a hand is found at rps'
input size is counted in HaGRID's 38 photographs, in parts of them cut close to the hand, and in frames that
bench/frames.py sets them into. Writes bench/results/hands.json.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import frames
import numpy as np
import torch
from numpy.typing import NDArray
from photographs import SHOWN, arrays, laid

from sightloop.data import landmark_csv
from sightloop.data.recipes import load
from sightloop.errors import BadLandmarks
from sightloop.serve.hands import Hands
from sightloop.settings import in_force
from sightloop.trainers.hands.finder import finder
from sightloop.trainers.hands.shapes import distances
from sightloop.trainers.timm.handed import Handed, fit
from sightloop.values.landmarks import Landmarks
from sightloop.values.sample import Side

RESULTS = Path(__file__).parent / "results" / "hands.json"
FILES = {"HaGRID's annotations": "hagrid_annotations_xy.csv.gz", "MediaPipe landmarks": "hand_landmarks_data.csv.gz"}
RECIPE = load()["rps"]


def learned(data: Path) -> Handed:
    """The shapes of rps' training photographs."""
    sides = arrays(data / "rps", RECIPE)
    train, validation = sides[Side.TRAIN], sides[Side.VALIDATION]
    nothing = np.zeros((len(validation), len(RECIPE.classes)), np.float32)
    find = finder(in_force().hands)
    found = fit(find, train, validation, nothing, len(RECIPE.classes), RECIPE.train.seed, balanced=True)
    if found is None:
        sys.exit("no hands were found in rps' photographs")
    return found


def asked(handed: Handed, path: Path) -> dict[str, Any]:
    """How many of each gesture in a file are told rightly."""
    points: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for item in landmark_csv.read(path):
        if item.label in SHOWN:
            points[item.label].append(Landmarks.from_bytes(item.content).points[:, :2])
    told: dict[str, Any] = {}
    for label, hands in sorted(points.items()):
        shapes = distances(torch.from_numpy(np.stack(hands))).numpy()
        right = handed.head.logits(shapes).argmax(axis=1) == RECIPE.classes.index(SHOWN[label])
        told[label] = {"hands": len(hands), "accuracy": round(float(right.mean()), 4)}
    hands = sum(one["hands"] for one in told.values())
    right = sum(one["hands"] * one["accuracy"] for one in told.values())
    return {"hands": hands, "accuracy": round(right / hands, 4), "by gesture": told}


def close(pixels: NDArray[np.uint8], hands: Hands) -> NDArray[np.uint8] | None:
    """The part of a photograph around its hand, a fifth of it more on each side; None where none is found as it is."""
    try:
        points = hands.find(pixels).points[:, :2]
    except BadLandmarks:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    more = (high - low).max() / 5
    (left, top), (right, bottom) = np.maximum(low - more, 0).astype(int), (high + more).astype(int)
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def seen(handed: Handed, data: Path) -> dict[str, dict[str, int]]:
    """In how many pictures of each kind a hand is found, so that its shape counts for more than half."""
    photographs, hands = frames.photographs(data), Hands(in_force().hands)
    kinds: dict[str, list[NDArray[np.uint8]]] = defaultdict(list)
    kinds["photographs"] = [pixels for _, pixels in photographs]
    kinds["close to the hand"] = [part for pixels in kinds["photographs"] if (part := close(pixels, hands)) is not None]
    for title, _, frame in frames.frames(photographs, data):
        kinds[title].append(frame)
    return {
        title: {"pictures": len(pictures), "found": sum(surely(handed, pixels) for pixels in pictures)}
        for title, pictures in kinds.items()
    }


def surely(handed: Handed, pixels: NDArray[np.uint8]) -> bool:
    """Whether a hand is found in a picture as rps takes it."""
    with torch.no_grad():
        _, sure = handed.finder(torch.from_numpy(laid(pixels, RECIPE)[None]))
    return bool(sure[0] > 0.5)


def main(data: Path) -> None:
    """Measure, print, write."""
    handed = learned(data)
    found = {"learned from": handed.found, "found in": seen(handed, data)} | {
        title: asked(handed, data / "gestures" / file) for title, file in FILES.items()
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
