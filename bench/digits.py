"""How well the digits project does on MNIST: python bench/digits.py MNIST_FOLDER [--first].

Trains by the shipped recipe on what a project would train on (the samples that content hashes leave on that side),
and answers the 10,000 test images through the ONNX package as it is served, none of which was trained on, chosen or
calibrated with. Prints the scores and seconds, and writes bench/results/digits.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightloop.data import idx
from sightloop.data.recipes import load
from sightloop.data.splits import side_of
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks import scoring
from sightloop.trainers.keras.trainer import TRAINER
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays
from sightloop.values.image import Image
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side, digest_of

RESULTS = Path(__file__).parent / "results"
BATCH = 250


def arrays(folder: Path, recipe: Recipe) -> dict[Side, Arrays]:
    """MNIST's samples by side; the test side holds MNIST's own test images alone."""
    held: dict[Side, list[tuple[Any, int]]] = {side: [] for side in Side}
    for item in idx.read(folder):
        side = item.side or side_of(digest_of(item.content), recipe.split)
        if item.side is None and side is Side.TEST:
            continue  # a project keeps these for its own test; the published test set stays what it is
        held[side].append((Image.decode(item.content).pixels, recipe.classes.index(item.label)))
    return {
        side: Arrays(np.stack([pixels for pixels, _ in rows]), np.array([target for _, target in rows]))
        for side, rows in held.items()
    }


def report(done: float = 0.0, message: str = "", metrics: dict[str, float] | None = None) -> None:
    """Print the end of each epoch."""
    if metrics and "val_loss" in metrics:
        print(f"{done:4.0%} {message}: " + ", ".join(f"{name} {value:.4f}" for name, value in metrics.items()))


def measure(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """Train once, and give all figures."""
    data = arrays(folder, recipe)
    began, cpu = time.perf_counter(), time.process_time()
    fitted = TRAINER.train(recipe, data[Side.TRAIN], data[Side.VALIDATION], report)
    trained, trained_cpu = time.perf_counter() - began, time.process_time() - cpu
    with tempfile.TemporaryDirectory() as place:
        sealed = pack(
            fitted, recipe, data[Side.VALIDATION], open=RUNTIME.open, dataset="mnist", code="bench", folder=Path(place)
        )
    session, test = RUNTIME.open(sealed, threads=1), data[Side.TEST]
    began = time.perf_counter()
    answers = [session.run(test.inputs[start : start + BATCH])[0] for start in range(0, len(test), BATCH)]
    answered = time.perf_counter() - began
    scores = scoring.score(np.concatenate(answers), test.targets, recipe.classes)
    return {
        "scores": msgspec.to_builtins(scores),
        "seconds": {"train": round(trained, 1), "train_cpu": round(trained_cpu, 1), "answer": round(answered, 2)},
        "samples": {side.value: len(samples) for side, samples in data.items()},
        "package": {
            "temperature": sealed.card.temperature,
            "parity": sealed.card.parity.max_difference,
            "graph": sealed.card.files["model.onnx"],
            "bytes": len(sealed.graph),
            "reproducible": sealed.card.reproducible or "yes",
        },
        "parameters": fitted.parameters,
        "curves": list(fitted.curves),
        "machine": {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()},
    }


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder with MNIST's four files")
    parser.add_argument("--first", action="store_true", help="train as the very first time: [train.first]")
    chosen = parser.parse_args()
    recipe = load()["digits"]
    if chosen.first and recipe.train.first.epochs:
        train = msgspec.structs.replace(recipe.train, epochs=recipe.train.first.epochs)
        recipe = msgspec.structs.replace(recipe, train=train)
    found = measure(chosen.folder, recipe)
    scores, seconds = found["scores"], found["seconds"]
    print(f"MNIST test, {scores['samples']:,} images, through the package")
    for name in ("accuracy", "precision", "recall", "f1", "ece", "loss"):
        print(f"  {name:<10}{scores[name]:.4f}")
    print(f"  trained in {seconds['train']} s ({seconds['train_cpu']} s of cores), answered in {seconds['answer']} s")
    RESULTS.mkdir(exist_ok=True)
    name = "digits-first.json" if chosen.first else "digits.json"
    (RESULTS / name).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
