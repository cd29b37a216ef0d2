"""The interface of a task, which each kind of vision problem fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightloop.values.package import Package
from sightloop.values.prediction import Answer
from sightloop.values.recipe import Input
from sightloop.values.scores import Scores


class Task(Protocol):
    """What sightloop must know of a kind of vision problem. One instance serves all threads."""

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> NDArray[Any]:
        """A stored or sent sample as one raw input of the graph, of shape `spec.shape`. Raises BadInput."""
        ...

    def read(self, probabilities: NDArray[np.float32], card: Package) -> Answer:
        """The answer in one row of the graph's output."""
        ...

    def score(self, probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]) -> Scores:
        """How good rows of answers (N, classes) are against the indices of the true classes (N,)."""
        ...
