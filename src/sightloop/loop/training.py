"""The training itself, as it runs in the child process: from a manifest to a package in a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from sightloop import plugins
from sightloop.loop.samples import pictures
from sightloop.loop.samples.prepared import prepared
from sightloop.store.blobs import Blobs
from sightloop.trainers import packaging
from sightloop.trainers.boxes import detectors
from sightloop.trainers.trainer import Arrays, Fitted, Pictures, Report, Resumable
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.moment import now
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side, digest_of

PREPARED, PACKAGE, CHECKPOINTS = "prepared", "package", "checkpoints"
"""What lies in a run's work folder between its steps."""


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
    """Fit, package and write `package/`; the payload is an Order as plain values.

    Returns how many epochs, the curves, the trainer's parameters, and the seconds that fitting and packaging took.
    """
    order = msgspec.convert(payload, Order)
    recipe, blobs = Recipe.of(order.recipe), Blobs(order.blobs)
    manifest = Manifest.from_bytes(blobs.get(order.manifest))
    report(done=0.0, message="reading the samples")
    train, validation = (
        _samples(order, blobs, manifest.on(side), recipe, side) for side in (Side.TRAIN, Side.VALIDATION)
    )
    report(done=0.0, message=f"training on {len(train)} samples, {len(validation)} to validate")
    begun = time.monotonic()
    fitted: Fitted = _trainer(order).train(recipe, train, validation, report)
    trained = time.monotonic()
    report(done=1.0, message="packaging")
    _pack(fitted, recipe, validation, order)
    return {
        "epochs": fitted.epochs,
        "curves": list(fitted.curves),
        "parameters": fitted.parameters,
        "reproducible": fitted.reproducible,
        "seconds": {"train": trained - begun, "package": time.monotonic() - trained},
    }


def _samples(order: Order, blobs: Blobs, entries: tuple[Entry, ...], recipe: Recipe, side: Side) -> Arrays | Pictures:
    if plugins.load("tasks", recipe.task).boxed:
        return pictures.load(blobs, entries, recipe.classes)
    return prepared(Path(order.folder) / PREPARED, blobs, entries, recipe, side)


def _trainer(order: Order) -> Any:
    """The recipe's trainer; where it can, it goes on from a killed attempt at the very same training."""
    trainer = plugins.load("trainers", order.recipe["train"]["trainer"])
    if not isinstance(trainer, Resumable):
        return trainer
    same = digest_of(msgspec.json.encode((order.recipe, order.manifest, order.code), order="sorted"))
    return trainer.resuming(Path(order.folder) / CHECKPOINTS / same[:16])


def _pack(fitted: Fitted, recipe: Recipe, validation: Arrays | Pictures, order: Order) -> None:
    told: dict[str, Any] = {
        "open": plugins.load("runtimes", "onnx").open,
        "dataset": order.manifest,
        "code": order.code,
        "folder": Path(order.folder) / PACKAGE,
        "created": now(),
    }
    if isinstance(validation, Pictures):
        detectors.pack(fitted, recipe, validation, **told)
    else:
        packaging.pack(fitted, recipe, validation, **told)
