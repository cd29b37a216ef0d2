"""Image classification: a picture in, one of the project's classes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.tasks import scoring
from sightloop.values.image import Image
from sightloop.values.package import Package
from sightloop.values.prediction import Answer
from sightloop.values.recipe import Input
from sightloop.values.scores import Scores


class Classification:
    """Image classification."""

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> NDArray[Any]:
        """An image file as pixels (height, width, 3) uint8 at the model's size. Raises BadImage and TooLarge."""
        least = (spec.height, spec.width)
        return Image.decode(content, max_pixels=max_pixels, least=least).resized(*least)

    def read(self, probabilities: NDArray[np.float32], card: Package) -> Answer:
        """The most probable class of one row (classes,), and the command that the project has for it."""
        row = probabilities.tolist()
        index = row.index(max(row))
        label = card.classes[index]
        return Answer(
            label=label,
            index=index,
            confidence=row[index],
            probabilities=row,
            command=card.commands.get(label),
        )

    def score(self, probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]) -> Scores:
        """How good rows of answers (N, classes) are against the indices of the true classes (N,)."""
        return scoring.score(probabilities, targets, classes)


TASK = Classification()
