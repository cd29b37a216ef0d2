"""Image classification: a picture in, one of the project's classes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightloop.tasks import scoring
from sightloop.tasks.task import Prepared, Size
from sightloop.values.image import Image
from sightloop.values.package import Package
from sightloop.values.prediction import Answer
from sightloop.values.recipe import Input
from sightloop.values.scores import Scores

_UNTOLD = (0, 0)


class Classification:
    """Image classification."""

    boxed = False

    def prepare(self, content: bytes, spec: Input, *, max_pixels: int) -> Prepared:
        """An image file as pixels (height, width, 3) uint8 at the model's size. Raises BadImage and TooLarge."""
        # Decoding may read the file at a fraction of its size, so what was sent is not told here.
        return _fitted(Image.decode(content, max_pixels=max_pixels, least=(spec.height, spec.width)), spec)

    def lay(self, pixels: NDArray[np.uint8], spec: Input) -> Prepared:
        """A frame at the model's size."""
        return _fitted(Image(pixels), spec)

    def read(self, rows: Sequence[NDArray[np.float32]], card: Package, size: Size) -> Answer:  # noqa: ARG002
        """The most probable class of one row (classes,), and the command that the project has for it."""
        row = rows[0].tolist()
        index = row.index(max(row))
        label = card.classes[index]
        return Answer(
            label=label,
            index=index,
            confidence=row[index],
            probabilities=row,
            command=card.commands.get(label),
        )

    def difference(self, got: NDArray[np.float32], expected: NDArray[np.float32], card: Package) -> float:  # noqa: ARG002
        """The largest difference of a probability."""
        return float(np.abs(got - expected).max()) if got.shape == expected.shape else float("inf")

    def score(self, probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]) -> Scores:
        """How good rows of answers (N, classes) are against the indices of the true classes (N,)."""
        return scoring.score(probabilities, targets, classes)


def _fitted(image: Image, spec: Input) -> Prepared:
    """A picture at the model's size, stretched or between bars as `spec.fit` says: no other code decides it."""
    lay = image.padded if spec.fit == "pad" else image.resized
    return Prepared((lay(spec.height, spec.width),), _UNTOLD)


TASK = Classification()
