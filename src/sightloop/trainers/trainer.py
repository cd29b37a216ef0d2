"""The interface of a trainer, and what goes in and comes out of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.values.recipe import Input, Recipe

Report = Callable[..., None]
"""Tells of progress: `report(done=0.25, message="epoch 2 of 8", metrics={"loss": 0.1})`; `done` is 0 to 1."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """Labelled raw inputs: `inputs` (N, *recipe.input.shape), `targets` (N,) int64 indices of the recipe's classes."""

    inputs: NDArray[Any]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        """How many samples."""
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with boxes: image files, and for each its `boxes` (M, 5), the corners in its own pixels and the class.

    Boxes are float32; the class is the index among the recipe's.
    """

    contents: Sequence[bytes]
    boxes: Sequence[NDArray[np.float32]]

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.contents)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model, before calibration and packaging.

    `graph` is a serialised ONNX model of raw inputs under the name `input` (first axis dynamic). A classifier's gives
    `logits` (N, classes; log-probabilities will do) and `embedding` (N, dims); a detector's `boxes` (N, A, 4: corners
    in the input's pixels), `scores` (N, A, classes) and `embedding`. `predict` gives the framework's own (logits,
    embedding) for the same raw inputs, or its own boxes, after its own suppression, as (K, 6) rows for each, and the
    embedding: the parity check compares both. `curves` has one row of numbers per epoch. `reproducible` is empty where
    the same run gives the same weights, else it names the step that does not. `licence` is that of the weights. A
    detector that was ready may take pictures of another size than the recipe's: that of `input`.
    """

    graph: bytes
    predict: Callable[[NDArray[Any]], tuple[Any, NDArray[np.float32]]]
    epochs: int
    curves: tuple[dict[str, float], ...] = ()
    reproducible: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    input: Input | None = None


class Trainer(Protocol):
    """Fits a classifier to a recipe's data. Its framework is imported in `train`, not with the module."""

    def check(self, recipe: Recipe) -> None:
        """Refuse options that this trainer does not have (BadRecipe, with the nearest known one)."""
        ...

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:
        """A model fitted to `train`; `validation` may choose, stop early or tune, and is not fitted to."""
        ...


class DetectorTrainer(Protocol):
    """Fits a detector, as `Trainer` fits a classifier."""

    def check(self, recipe: Recipe) -> None:
        """Refuse options that this trainer does not have (BadRecipe, with the nearest known one)."""
        ...

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:
        """A detector fitted to `train`; `validation` may choose, stop early or tune, and is not fitted to."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A trainer whose training can be killed and gone on with. A trainer need not be one."""

    def resuming(self, folder: Path) -> Trainer:
        """A trainer that leaves in the folder what it needs, and goes on from what is there.

        The folder belongs to one recipe, one manifest and one version of the code. A training that goes on ends with
        the same weights as one that was never killed, where the trainer's trainings can be repeated at all.
        """
        ...


def require_each_class(recipe: Recipe, train: Arrays) -> None:
    """Refuse training samples of which none is of one of the recipe's classes (BadData, which names it)."""
    counts = np.bincount(train.targets, minlength=len(recipe.classes))
    missing = [label for label, count in zip(recipe.classes, counts, strict=True) if not count]
    if missing:
        raise BadData(
            "a class has no samples to train on",
            expected="one or more of each class",
            got=f"none of {', '.join(missing)}",
            hint="Add samples of it, or take the class out of the recipe.",
        )
