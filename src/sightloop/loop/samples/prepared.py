"""A dataset version's samples as the model takes them, read and sized once and kept beside the run that trains on them.

Normalisation and augmentation are no part of it: the first is in the model's graph, the second is drawn anew in each
epoch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sightloop import plugins
from sightloop.loop.samples import pictures
from sightloop.loop.samples.arrays import chunks, load, targets
from sightloop.store.blobs import Blobs
from sightloop.trainers.trainer import Arrays, Report
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to prepare: the recipe as a table, the manifest's blob, where blobs lie, the folder to write to."""

    recipe: dict[str, Any]
    manifest: str
    blobs: str
    folder: str


def prepare(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Read every sample, check it against its digest, size it, and write what is trained on and validated with.

    The held-out side is only read and checked, so that a broken sample is found before an hour of training; so are
    pictures with boxes, which detectors take at sizes of their own. Returns
    how many samples were `prepared` and the bytes written. The payload is an Order as plain values. Raises BadData
    with the digest of a sample that the task cannot read.
    """
    order = msgspec.convert(payload, Order)
    recipe, blobs = Recipe.of(order.recipe), Blobs(order.blobs)
    manifest = Manifest.from_bytes(blobs.get(order.manifest))
    boxed = plugins.load("tasks", recipe.task).boxed
    done = written = 0
    for side in Side:
        entries = manifest.on(side)
        report(done=done / len(manifest.entries), message=f"preparing {len(entries)} samples ({side})")
        if boxed:
            pictures.check(blobs, entries, recipe)
        elif side is Side.TEST:
            _check(blobs, entries, recipe)
        else:
            written += _write(blobs, entries, recipe, _path(Path(order.folder), side))
        done += len(entries)
    return {"prepared": done, "bytes": written}


def prepared(folder: Path, blobs: Blobs, entries: tuple[Entry, ...], recipe: Recipe, side: Side) -> Arrays:
    """One side as it was prepared; prepared here and now where the folder does not have it, as on another machine."""
    path = _path(folder, side)
    if not path.exists():
        return load(blobs, entries, task=recipe.task, spec=recipe.input, classes=recipe.classes)
    return Arrays(np.load(path, allow_pickle=False), targets(entries, recipe.classes))


def _check(blobs: Blobs, entries: tuple[Entry, ...], recipe: Recipe) -> None:
    for _ in chunks(blobs, entries, task=recipe.task, spec=recipe.input):
        continue


def _write(blobs: Blobs, entries: tuple[Entry, ...], recipe: Recipe, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    kind = np.uint8 if recipe.input.kind == "image" else np.float32
    rows_in_all = np.lib.format.open_memmap(fresh, "w+", kind, (len(entries), *recipe.input.shape))
    for rows, inputs in chunks(blobs, entries, task=recipe.task, spec=recipe.input):
        rows_in_all[rows] = inputs
    rows_in_all.flush()
    del rows_in_all
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    fresh.replace(path)
    return path.stat().st_size


def _path(folder: Path, side: Side) -> Path:
    return folder / f"{side}.npy"
