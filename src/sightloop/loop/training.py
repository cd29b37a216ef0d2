"""The training itself, as it runs in the child process: from a manifest to a package in a folder."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import msgspec

from sightloop import plugins
from sightloop.errors import BadData
from sightloop.loop.arrays import load
from sightloop.store.blobs import Blobs
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays, Fitted, Report, Resumable, Trainer
from sightloop.values.dataset import Manifest
from sightloop.values.moment import now
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side, digest_of

CHECKPOINTS = "checkpoints"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to train: the recipe as a table, the manifest's blob, where blobs lie, the folder to write to.

    In `checkpoints/` of the folder lies what an attempt at this training left that was killed.
    """

    recipe: dict[str, Any]
    manifest: str
    blobs: str
    folder: str
    code: str


def train(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Fit, package and write `package/`, `curves.json` and `curves.csv`; the payload is an Order as plain values.

    Returns how many epochs, the curves, the trainer's parameters, and the seconds that fitting and packaging took.
    """
    order = msgspec.convert(payload, Order)
    recipe, folder = Recipe.of(order.recipe), Path(order.folder)
    blobs = Blobs(order.blobs)
    manifest = Manifest.from_bytes(blobs.get(order.manifest))
    report(done=0.0, message="reading the samples")
    train, validation = (_side(blobs, manifest, recipe, side) for side in (Side.TRAIN, Side.VALIDATION))
    report(done=0.0, message=f"training on {len(train)} samples, {len(validation)} to validate")
    begun = time.monotonic()
    fitted: Fitted = _trainer(order).train(recipe, train, validation, report)
    trained = time.monotonic()
    report(done=1.0, message="packaging")
    runtime = plugins.load("runtimes", "onnx")
    pack(
        fitted,
        recipe,
        validation,
        open=runtime.open,
        dataset=order.manifest,
        code=order.code,
        folder=folder / "package",
        created=now(),
    )
    _write(fitted, folder)
    return {
        "epochs": fitted.epochs,
        "curves": list(fitted.curves),
        "parameters": fitted.parameters,
        "reproducible": fitted.reproducible,
        "seconds": {"train": trained - begun, "package": time.monotonic() - trained},
    }


def _trainer(order: Order) -> Trainer:
    """The recipe's trainer; where it can, it goes on from a killed attempt at the very same training."""
    trainer: Trainer = plugins.load("trainers", order.recipe["train"]["trainer"])
    if not isinstance(trainer, Resumable):
        return trainer
    same = digest_of(msgspec.json.encode((order.recipe, order.manifest, order.code), order="sorted"))
    return trainer.resuming(Path(order.folder) / CHECKPOINTS / same[:16])


def _side(blobs: Blobs, manifest: Manifest, recipe: Recipe, side: Side) -> Arrays:
    entries = manifest.on(side)
    if not entries:
        raise BadData(
            f"{recipe.name} has no samples on the {side} side",
            hint="Add labelled samples; their content decides which side they take.",
        )
    return load(blobs, entries, task=recipe.task, spec=recipe.input, classes=recipe.classes)


def _write(fitted: Fitted, folder: Path) -> None:
    (folder / "curves.json").write_bytes(msgspec.json.encode(fitted.curves))
    columns = list(dict.fromkeys(name for row in fitted.curves for name in row))
    with (folder / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(fitted.curves)
