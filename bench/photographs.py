"""How well rps and leaf do on photographs: python bench/photographs.py DATA_FOLDER WEIGHTS_FILE [rps] [leaf] ...

Trains by the shipped recipes on what a project would train on, and answers the held-out samples through the package.
For rps also what background = "green" gains, on sets that nothing was trained, chosen or calibrated with: the held-out
hands, cut out by another key and put before backgrounds of this file's own (leaves, coarse noise, stripes), so other
rooms but not other hands; and a few photographs of other people: whole, cropped to the hand, and set into frames by
bench/frames.py. `rps:kept` is rps without it, `leaf:1` is leaf split another way, by the hash of 1 and the content.
`leaf:folds` holds out each fifth of the photographs once, so that each is answered by a package that has not seen it.
Writes bench/results/photographs.json.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import frames
import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.data import folders
from sightloop.data.recipes import load
from sightloop.data.splits import side_of
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks import scoring
from sightloop.tasks.classification import TASK
from sightloop.trainers.packaging import pack
from sightloop.trainers.timm.options import options
from sightloop.trainers.timm.trainer import TRAINER
from sightloop.trainers.trainer import Arrays
from sightloop.values.image import Image
from sightloop.values.package import Sealed
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side, digest_of

RESULTS = Path(__file__).parent / "results" / "photographs.json"
DIGITS = 13
"""So many digits of a digest say on which side it is."""
FOLDERS = {"rps": "rps", "leaf": "leaves"}
SHOWN = {
    "palm": "paper",
    "stop": "paper",
    "stop_inverted": "paper",
    "fist": "rock",
    "peace": "scissors",
    "peace_inverted": "scissors",
}
# Boxes around the hands of the photographs above, drawn by hand: left, top, right, bottom as shares of the size.
HANDS = (
    (0.20, 0.10, 0.85, 0.75),
    (0.45, 0.25, 0.75, 0.62),
    (0.15, 0.00, 1.00, 1.00),
    (0.30, 0.15, 0.65, 0.70),
    (0.28, 0.03, 0.85, 0.85),
    (0.33, 0.28, 0.70, 0.72),
    (0.08, 0.08, 0.66, 0.68),
    (0.20, 0.05, 1.00, 0.80),
    (0.22, 0.20, 0.72, 0.98),
    (0.35, 0.25, 0.80, 0.90),
    (0.25, 0.05, 0.70, 0.68),
    (0.38, 0.38, 0.68, 0.80),
)


def arrays(folder: Path, recipe: Recipe, salt: str = "", turn: float = 0) -> dict[Side, Arrays]:
    """The samples by side, as content hashes have it; with a salt as other hashes do, with a turn as `turned` ones."""
    held: dict[Side, list[tuple[Any, int]]] = {side: [] for side in Side}
    for item in folders.read(folder):
        pixels = laid(Image.decode(item.content).pixels, recipe)
        digest = turned(digest_of(salt.encode() + item.content), turn)
        held[side_of(digest, recipe.split)].append((pixels, recipe.classes.index(item.label)))
    return {side: Arrays(np.stack([p for p, _ in rows]), np.array([t for _, t in rows])) for side, rows in held.items()}


def turned(digest: str, turn: float) -> str:
    """A digest whose place among all others is moved on by a share of them, beyond the last to the first."""
    places = 16**DIGITS
    return f"{(int(digest[:DIGITS], 16) + round(turn * places)) % places:0{DIGITS}x}{digest[DIGITS:]}"


def laid(pixels: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    """A picture as the recipe's models take it."""
    (found,) = TASK.lay(pixels, recipe.input).inputs
    return found


def report(done: float = 0.0, message: str = "", metrics: dict[str, float] | None = None) -> None:
    """Print the end of each epoch."""
    if not metrics or "val_loss" in metrics:
        numbers = ", ".join(f"{name} {value:.4f}" for name, value in (metrics or {}).items())
        print(f"{done:4.0%} {message} {numbers}", flush=True)


def trained(recipe: Recipe, data: dict[Side, Arrays]) -> tuple[Sealed, dict[str, Any]]:
    """A package, and what its making took."""
    began, cpu = time.perf_counter(), time.process_time()
    fitted = TRAINER.train(recipe, data[Side.TRAIN], data[Side.VALIDATION], report)
    with tempfile.TemporaryDirectory() as folder:
        sealed = pack(
            fitted, recipe, data[Side.VALIDATION], open=RUNTIME.open, dataset="bench", code="bench", folder=Path(folder)
        )
    seconds = {"wall": round(time.perf_counter() - began, 1), "of cores": round(time.process_time() - cpu, 1)}
    return sealed, {"seconds": seconds, "parameters": fitted.parameters, "parity": sealed.card.parity.max_difference}


def scores(sealed: Sealed, recipe: Recipe, data: Arrays) -> dict[str, float]:
    """What the package reaches on samples that it has not seen."""
    return told(answers(sealed, data), data.targets, recipe)


def answers(sealed: Sealed, data: Arrays) -> NDArray[np.float32]:
    """What the package says to samples."""
    session = RUNTIME.open(sealed, threads=1)
    return np.concatenate([session.run(data.inputs[at : at + 32])[0] for at in range(0, len(data), 32)])


def told(said: NDArray[np.float32], targets: NDArray[np.int64], recipe: Recipe) -> dict[str, float]:
    """How right answers are."""
    found = msgspec.to_builtins(scoring.score(said, targets, recipe.classes))
    return {name: round(found[name], 4) for name in ("samples", "accuracy", "precision", "recall", "f1", "ece")}


def in_folds(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """What each sample is answered by a package that was trained while its part of the samples was held out."""
    said, asked, each = [], [], []
    folds = round(1 / recipe.split.test)
    for number in range(folds):
        sides = arrays(folder, recipe, turn=number / folds)
        sealed, how = trained(recipe, sides)
        said.append(answers(sealed, sides[Side.TEST]))
        asked.append(sides[Side.TEST].targets)
        each.append(told(said[-1], asked[-1], recipe) | {"seconds": how["seconds"]["wall"]})
        print(each[-1], flush=True)
    return {"all held out, in folds": told(np.concatenate(said), np.concatenate(asked), recipe), "folds": each}


def milliseconds(sealed: Sealed, data: Arrays) -> float:
    """How long one thread takes for one picture, half of the time."""
    session, taken = RUNTIME.open(sealed, threads=1), []
    for row in range(40):
        began = time.perf_counter()
        session.run(data.inputs[row : row + 1])
        taken.append(time.perf_counter() - began)
    return round(1000 * float(np.median(taken)), 1)


def other_rooms(data: Arrays, photographs: list[NDArray[np.uint8]]) -> Arrays:
    """The same hands before photographs, screens of noise and rows of books; keyed in hue, unlike the trainer."""
    chance = np.random.default_rng(20261121)
    made = []
    for pixels in data.inputs:
        height, width = pixels.shape[:2]
        hue = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
        green = cv2.inRange(hue, np.array([35, 70, 20]), np.array([90, 255, 255]))
        hand = cv2.GaussianBlur(cv2.medianBlur(255 - green, 5), (0, 0), 0.8)[..., None] / 255
        kind = chance.integers(3)
        if kind == 0:
            behind = cv2.resize(photographs[chance.integers(len(photographs))], (width, height))
        elif kind == 1:
            behind = cv2.resize(chance.integers(0, 256, (20, 20, 3), np.uint8), (width, height))
        else:
            books = np.repeat(chance.integers(20, 230, (1, 16, 3)), height, axis=0).astype(np.uint8)
            behind = cv2.resize(books, (width, height), interpolation=cv2.INTER_NEAREST)
        light = chance.uniform(0.6, 1.25, 3)
        made.append(np.clip(pixels * hand * light + behind * (1 - hand), 0, 255).astype(np.uint8))
    return Arrays(np.stack(made), data.targets)


def other_hands(folder: Path, recipe: Recipe, *, cropped: bool) -> Arrays:
    """The photographs of other people that show one of the three shapes, whole as they are or cropped to the hand."""
    rows = [(Image.decode(p.read_bytes()), t) for name, t in SHOWN.items() for p in sorted((folder / name).iterdir())]
    if cropped:
        rows = [(Image(crop(seen.pixels, box)), target) for (seen, target), box in zip(rows, HANDS, strict=True)]
    seen = np.stack([laid(one.pixels, recipe) for one, _ in rows])
    return Arrays(seen, np.array([recipe.classes.index(label) for _, label in rows]))


def other_frames(data: Path, recipe: Recipe) -> Arrays:
    """The same photographs, smaller, in frames of two shapes and two sizes each."""
    shown = [(label, pixels) for label, pixels in frames.photographs(data) if label in SHOWN]
    rows = [(laid(pixels, recipe), SHOWN[label]) for _, label, pixels in frames.frames(shown, data)]
    return Arrays(np.stack([one for one, _ in rows]), np.array([recipe.classes.index(label) for _, label in rows]))


def crop(pixels: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """The part of a photograph within shares of its size."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (round(share * side) for share, side in zip(box, (width, height) * 2, strict=True))
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def elsewhere(sealed: Sealed, recipe: Recipe, sides: dict[Side, Arrays], data: Path) -> dict[str, dict[str, float]]:
    """What hands in other rooms and of other people are taken for."""
    leaves = [Image.decode(p.read_bytes()).pixels for p in sorted((data / "leaves").glob("*/*"))[::9]]
    photos = data / "gestures" / "photos"
    sets = {
        "other rooms": other_rooms(sides[Side.TEST], leaves),
        "other people, whole pictures": other_hands(photos, recipe, cropped=False),
        "other people, cropped": other_hands(photos, recipe, cropped=True),
        "other people, in wide and tall frames": other_frames(data, recipe),
    }
    return {title: scores(sealed, recipe, one) for title, one in sets.items()}


def main(data: Path, weights: str, projects: list[str]) -> None:
    """Measure, print, write."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found |= {"machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}}
    for title in projects:
        name, _, salt = title.partition(":")
        recipe = load()[name]
        if recipe.train.options["weights"] == "hub":
            recipe = with_options(recipe, weights=weights)
        if salt == "kept":
            recipe, salt = with_options(recipe, background="kept"), ""
        folder = data / FOLDERS[name]
        measured = in_folds(folder, recipe) if salt == "folds" else once(folder, recipe, salt, data)
        found = (json.loads(RESULTS.read_text()) if RESULTS.exists() else found) | {title: measured}
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(json.dumps({title: measured}, indent=2), flush=True)


def once(folder: Path, recipe: Recipe, salt: str, data: Path) -> dict[str, Any]:
    """What one training comes to."""
    sides = arrays(folder, recipe, salt)
    sealed, found = trained(recipe, sides)
    found["parameters"]["weights"] = [Path(whence).name for _, whence in options(recipe).backbones]
    found["milliseconds"] = milliseconds(sealed, sides[Side.TEST])
    found["held out"] = scores(sealed, recipe, sides[Side.TEST])
    if recipe.name == "rps":
        found[f'background = "{recipe.train.options["background"]}"'] = elsewhere(sealed, recipe, sides, data)
    return found


def with_options(recipe: Recipe, **options: Any) -> Recipe:
    """The recipe with other options of its trainer."""
    train = msgspec.structs.replace(recipe.train, options=recipe.train.options | options)
    return msgspec.structs.replace(recipe, train=train)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:] or list(FOLDERS))
