"""Turns a fitted detector into a model package: boxes suppressed in the graph, compared with its framework's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData, PackageRefused
from sightloop.tasks import precision
from sightloop.tasks.detection import prepared
from sightloop.tasks.tiles import scale, tiles
from sightloop.trainers.boxes.suppression import suppressing
from sightloop.trainers.packaging import EMBEDDING_LIMIT, Opener, described, golden_file, run, sealed
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import Image
from sightloop.values.package import DETECTIONS, Parity, Sealed
from sightloop.values.recipe import Input, Recipe

LIMIT = 0.005
"""The most by which mAP may differ from the framework's, and the largest share of boxes that only one of them has."""
COMPARED = 40
"""The most validation pictures that the parity check compares."""
GOLDEN_SAMPLES = 2  # their pixels are large
BATCH = 4
_ALIKE = 0.9  # the least overlap of a box with its counterpart
_SCORE = 0.01  # the most by which its score may differ
_SURE = 0.05  # boxes of a lower score are not asked for one by one: a hair decides whether they are suppressed

Rows = NDArray[np.float32]


def pack(
    fitted: Fitted,
    recipe: Recipe,
    validation: Pictures,
    *,
    open: Opener,
    dataset: str,
    code: str,
    folder: Path,
    created: str = "",
) -> Sealed:
    """Write the package of a fitted detector into a folder, and give it.

    Up to 40 validation pictures are answered by the framework, with its own suppression, and by the package as `open`
    runs it; PackageRefused says where mAP differs by more than half a point, or boxes have no counterpart.
    """
    if not len(validation):
        raise BadData("no validation pictures", expected="a few, to compare the model with its framework")
    recipe = msgspec.structs.replace(recipe, input=fitted.input or recipe.input)
    graph = suppressing(fitted.graph)
    unchecked = Parity(samples=0, max_difference=0.0, limit=LIMIT)
    card = described(fitted, recipe, unchecked, dataset=dataset, code=code, created=created)
    card = msgspec.structs.replace(card, answer=DETECTIONS, threshold=recipe.answers.threshold)
    session = open(sealed(card, graph, b""), threads=1)
    some = Pictures(validation.contents[:COMPARED], validation.boxes[:COMPARED])
    inputs, truth = laid_out(some, recipe.input)
    answers, embeddings = run(session, inputs, BATCH)
    own, own_embeddings = fitted.predict(inputs)
    difference = compare(list(answers), own, truth, len(recipe.classes))
    _refuse_embedding(embeddings, own_embeddings)
    card = msgspec.structs.replace(
        card,
        embedding=embeddings.shape[1],
        parity=Parity(samples=len(inputs), max_difference=difference, limit=LIMIT),
    )
    few = slice(0, GOLDEN_SAMPLES)
    package = sealed(card, graph, golden_file(card, inputs[few], answers[few], embeddings[few]))
    package.write(folder)
    return package


def laid_out(pictures: Pictures, spec: Input) -> tuple[NDArray[np.uint8], list[Rows]]:
    """Whole pictures as the model takes them (N, *spec.shape), and their boxes (M, 5) in the input's pixels."""
    inputs, boxes = [], []
    for content, truth in zip(pictures.contents, pictures.boxes, strict=True):
        pixels = Image.decode(content).pixels
        inputs.append(prepared(pixels, spec).inputs[0])
        whole = tiles(pixels.shape[1], pixels.shape[0], spec)[0]
        moved = truth.copy()
        moved[:, :4] *= scale(whole, spec)
        boxes.append(moved)
    return np.stack(inputs), boxes


def compare(ours: Sequence[Rows], theirs: Sequence[Rows], truth: Sequence[Rows], classes: int) -> float:
    """The larger of two: the difference of mAP, and the share of boxes that only one side has.

    Raises PackageRefused where it is above LIMIT.
    """
    ours = [rows[rows[:, 4] > 0] for rows in ours]
    missing, boxes = alone(ours, theirs)
    share = missing / max(boxes, 1)
    difference = 0.0
    if any(len(rows) for rows in truth):
        mine, own = (precision.mean(precision.match(found, truth, classes)) for found in (ours, theirs))
        difference = max(abs(a - b) for a, b in zip(mine, own, strict=True))
    if max(share, difference) > LIMIT:
        raise PackageRefused(
            "the package answers differently from its framework",
            expected=f"mAP within {LIMIT:g}, and at most {100 * LIMIT:g} % of boxes without a counterpart",
            got=f"mAP {difference:.4f} off, {missing} of {boxes} boxes without one",
            hint="An operator was exported wrongly; the model cannot be served as it is.",
        )
    return float(max(share, difference))


def alone(ours: Sequence[Rows], theirs: Sequence[Rows]) -> tuple[int, int]:
    """How many of the sure boxes of either side have no counterpart on the other, of how many."""
    missing = boxes = 0
    for mine, own in zip(ours, theirs, strict=True):
        for some, others in ((mine, own), (own, mine)):
            sure = some[some[:, 4] >= _SURE]
            boxes += len(sure)
            missing += int((~_matched(sure, others)).sum())
    return missing, boxes


def _matched(some: Rows, others: Rows) -> NDArray[np.bool_]:
    if not len(others):
        return np.zeros(len(some), bool)
    alike = (precision.overlaps(some, others) >= _ALIKE) & (some[:, None, 5] == others[None, :, 5])
    alike &= np.abs(some[:, None, 4] - others[None, :, 4]) <= _SCORE
    return np.asarray(alike.any(axis=1))


def _refuse_embedding(ours: Rows, theirs: Rows) -> None:
    off = np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), 1e-6) if ours.shape == theirs.shape else np.inf
    if not off <= EMBEDDING_LIMIT:
        raise PackageRefused(
            "the package's embedding differs from its framework's", expected=f"within {EMBEDDING_LIMIT}", got=str(off)
        )
