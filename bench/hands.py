"""How well rps' photographs alone teach the shapes of other people's hands: python bench/hands.py DATA_FOLDER.

Shapes are learned as in rps' training (SIGHTLOOP_HOME names a home with the models of hands). They are asked for with
points that others found on photographs of other people: HaGRID's own annotations, of which x and y are known, and a
student's MediaPipe landmarks, of which many come from pictures that are hard. A palm, a hand held up and one turned
down count as paper, a fist as rock, two fingers up or down as scissors. What is not measured here is whether a hand is
found in the first place; bench/photographs.py has that for twelve photographs. Writes bench/results/hands.json.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from photographs import SHOWN, arrays

from sightloop.data import landmark_csv
from sightloop.data.recipes import load
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


def main(data: Path) -> None:
    """Measure, print, write."""
    handed = learned(data)
    found = {"learned from": handed.found} | {
        title: asked(handed, data / "gestures" / file) for title, file in FILES.items()
    }
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
