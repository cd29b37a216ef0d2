"""The training itself, as it runs in the child process: from a manifest to a package in a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from sightloop import plugins
from sightloop.loop.prepared import prepared
from sightloop.store.blobs import Blobs
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Fitted, Report
from sightloop.values.dataset import Manifest
from sightloop.values.moment import now
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to train: the recipe as a table, the manifest's blob, where blobs lie, the folder to write to."""

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
    recipe, folder = Recipe.of(order.recipe), Path(order.folder)
    blobs = Blobs(order.blobs)
    manifest = Manifest.from_bytes(blobs.get(order.manifest))
    report(done=0.0, message="reading the samples")
    train, validation = (
        prepared(folder / "prepared", blobs, manifest.on(side), recipe, side) for side in (Side.TRAIN, Side.VALIDATION)
    )
    report(done=0.0, message=f"training on {len(train)} samples, {len(validation)} to validate")
    begun = time.monotonic()
    fitted: Fitted = plugins.load("trainers", recipe.train.trainer).train(recipe, train, validation, report)
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
    return {
        "epochs": fitted.epochs,
        "curves": list(fitted.curves),
        "parameters": fitted.parameters,
        "reproducible": fitted.reproducible,
        "seconds": {"train": trained - begun, "package": time.monotonic() - trained},
    }
