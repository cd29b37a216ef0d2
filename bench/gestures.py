"""How well the gestures project answers: python bench/gestures.py DATA_FOLDER.

Five-fold cross validation on hand_landmarks_data.csv(.gz), then a model of all its rows on HaGRID's own annotations,
which nothing was trained, chosen or calibrated with. Every answer comes through the ONNX package, as it is served.
Prints a table and writes bench/results/gestures.json.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from sightloop.data import landmark_csv
from sightloop.data.recipes import load
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks import scoring
from sightloop.trainers.packaging import pack
from sightloop.trainers.sklearn.trainer import TRAINER
from sightloop.trainers.trainer import Arrays
from sightloop.values.landmarks import Landmarks
from sightloop.values.package import Sealed

RECIPE = load()["gestures"]
RESULTS = Path(__file__).parent / "results" / "gestures.json"
FOLDS = 5

Answer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def arrays(path: Path, **how: Any) -> tuple[Arrays, list[str]]:
    """The hands of a file, and where each came from."""
    items = list(landmark_csv.read(path, **how))
    points = np.stack([Landmarks.from_bytes(item.content).points for item in items])
    targets = np.array([RECIPE.classes.index(str(RECIPE.label(item.label))) for item in items])
    return Arrays(points, targets), [item.origin for item in items]


def trained(data: Arrays) -> tuple[Sealed, float]:
    """A package of a model fitted to nine tenths of the data and calibrated on the rest, and the seconds it took."""
    rows, held = train_test_split(np.arange(len(data)), test_size=0.1, random_state=0, stratify=data.targets)
    train, validation = (Arrays(data.inputs[part], data.targets[part]) for part in (rows, held))
    begun = time.monotonic()
    fitted = TRAINER.train(RECIPE, train, validation, lambda **_: None)
    with tempfile.TemporaryDirectory() as folder:
        sealed = pack(fitted, RECIPE, validation, open=RUNTIME.open, dataset="bench", code="bench", folder=Path(folder))
    return sealed, time.monotonic() - begun


def answerer(sealed: Sealed) -> Answer:
    """The package's probabilities for raw hands."""
    session = RUNTIME.open(sealed, threads=1)
    return lambda inputs: session.run(np.ascontiguousarray(inputs, np.float32))[0]


def accuracy(answer: Answer, data: Arrays) -> float:
    """The share of right answers."""
    return float((answer(data.inputs).argmax(axis=1) == data.targets).mean())


def variants(data: Arrays) -> dict[str, Arrays]:
    """The same hands as other sources would give them."""

    def scaled(x: float, y: float, z: float) -> Arrays:
        return Arrays(data.inputs * np.array([x, y, z], np.float32), data.targets)

    return {
        "as it is": data,
        "mirrored": scaled(-1, 1, 1),
        "no z": scaled(1, 1, 0),
        "heights x 0.5625": scaled(1, 0.5625, 1),
        "heights x 0.75": scaled(1, 0.75, 1),
        "heights x 1.3333": scaled(1, 4 / 3, 1),
        "heights x 1.7778": scaled(1, 16 / 9, 1),
        "in pixels, far away": Arrays(data.inputs * np.float32(300) + np.float32(500), data.targets),
    }


def cross_validate(data: Arrays) -> dict[str, list[float]]:
    """The accuracy of each fold, as it is and altered; altered copies are made of training rows only."""
    found: dict[str, list[float]] = {}
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for fold, (rows, held) in enumerate(folds.split(data.inputs, data.targets)):
        sealed, seconds = trained(Arrays(data.inputs[rows], data.targets[rows]))
        answer = answerer(sealed)
        for name, variant in variants(Arrays(data.inputs[held], data.targets[held])).items():
            found.setdefault(name, []).append(accuracy(answer, variant))
        print(f"fold {fold + 1} of {FOLDS}: {found['as it is'][-1]:.4f} ({seconds:.0f} s)", flush=True)
    return found


def leading_hands(path: Path, origins: list[str]) -> NDArray[np.bool_]:
    """For each hand of HaGRID's file whether the annotators call it a left one."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        sides = {f"{path.name}, line {line}": row["leading_hand"] for line, row in enumerate(csv.DictReader(file), 2)}
    return np.array([sides[origin] == "left" for origin in origins])


def milliseconds(answer: Answer, inputs: NDArray[np.float32], turns: int) -> float:
    """The least time of an answer over several rounds."""
    rounds = []
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(turns):
            answer(inputs)
        rounds.append((time.perf_counter() - begun) / turns * 1000)
    return min(rounds)


def main(folder: Path) -> None:
    """Measure, print, write."""
    data, _ = arrays(folder / "hand_landmarks_data.csv.gz")
    folds = cross_validate(data)
    sealed, seconds = trained(data)
    answer = answerer(sealed)
    path = folder / "hagrid_annotations_xy.csv.gz"
    hagrid, origins = arrays(path, skip_labels={"no_gesture"})
    left = leading_hands(path, origins)
    others = variants(hagrid) | {
        "left hands": Arrays(hagrid.inputs[left], hagrid.targets[left]),
        "right hands": Arrays(hagrid.inputs[~left], hagrid.targets[~left]),
    }
    scores = scoring.score(answer(hagrid.inputs), hagrid.targets, RECIPE.classes)
    result = {
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
        "rows": {"training file": len(data), "HaGRID annotations": len(hagrid)},
        "cross validation": {
            name: {"mean": round(float(np.mean(values)), 4), "sd": round(float(np.std(values)), 4)}
            for name, values in folds.items()
        },
        "HaGRID annotations": {name: round(accuracy(answer, variant), 4) for name, variant in others.items()},
        "HaGRID annotations, macro F1": round(scores.f1, 4),
        "HaGRID annotations, calibration error": round(scores.ece, 4),
        "HaGRID annotations, recall": {name: round(one.recall, 3) for name, one in scores.per_class.items()},
        "training and packaging, seconds": round(seconds, 1),
        "package, bytes": len(sealed.graph) + len(sealed.golden) + len(sealed.card.to_bytes()),
        "one hand, milliseconds": round(milliseconds(answer, hagrid.inputs[:1], 1000), 4),
        "64 hands, milliseconds": round(milliseconds(answer, hagrid.inputs[:64], 100), 4),
    }
    text = json.dumps(result, indent=2)
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
