"""Landmark classification: the 21 points of a hand in, one of the project's classes out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadLandmarks, BadRecipe
from sightloop.tasks.classification import Classification
from sightloop.tasks.task import Prepared
from sightloop.values.landmarks import Landmarks
from sightloop.values.recipe import Input


class LandmarkClassification(Classification):
    """Classification of hands; answers and scores are those of any classification."""

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> Prepared:  # noqa: ARG002 - a hand has none
        """The 252 bytes of a hand as its raw points (21, 3) float32. Raises BadLandmarks."""
        if spec.kind != "landmarks":
            raise BadRecipe("this task takes landmarks", expected='input.kind = "landmarks"', got=repr(spec.kind))
        return Prepared((Landmarks.from_bytes(content).points,), (0, 0))

    def lay(self, pixels: NDArray[np.uint8], spec: Input) -> Prepared:  # noqa: ARG002 - a frame has no landmarks
        """Raises BadLandmarks: the hand must be found in the frame first."""
        raise BadLandmarks("a frame is no hand", expected="the landmarks of a hand", got="pixels")


TASK = LandmarkClassification()
