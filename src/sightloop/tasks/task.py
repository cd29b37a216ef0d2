"""The interface of a task, which each kind of vision problem fulfils."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sightloop.values.package import Package
from sightloop.values.prediction import Answer, Detections
from sightloop.values.recipe import Input

Size = tuple[int, int]


class Prepared(NamedTuple):
    """A sample as raw inputs of the graph, each of shape `spec.shape`: one, or as many as it has tiles.

    `size` is the (width, height) of the picture as it was sent; (0, 0) for what is no picture.
    """

    inputs: tuple[NDArray[Any], ...]
    size: Size


class Task(Protocol):
    """What sightloop must know of a kind of vision problem. One instance serves all threads."""

    boxed: bool
    """Whether its truth and its answers are boxes, and not one class for the whole sample."""

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> Prepared:
        """A stored or sent sample as raw inputs of the graph. Raises BadInput."""
        ...

    def lay(self, pixels: NDArray[np.uint8], spec: Input) -> Prepared:
        """A frame of a video or a camera, (height, width, 3) uint8 in RGB, as raw inputs. Raises BadInput."""
        ...

    def read(self, rows: Sequence[NDArray[np.float32]], card: Package, size: Size) -> Answer | Detections:
        """The answer in the graph's outputs for one sample's inputs, in their order."""
        ...

    def difference(self, got: NDArray[np.float32], expected: NDArray[np.float32], card: Package) -> float:
        """How far rows of the graph's output are from what they must be: 0 for the same, infinity for no likeness."""
        ...
