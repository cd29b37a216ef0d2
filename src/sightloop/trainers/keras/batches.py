"""Training data in batches: shuffled anew each epoch, changed a little, always in the same order for the same seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.keras.augmentation import Augmentation
from sightloop.trainers.trainer import Arrays

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


@dataclass(frozen=True)
class Batches:
    """Batches of `samples`; an epoch has at least `least_steps`, so a small data set is gone through several times."""

    samples: Arrays
    classes: int
    size: int
    augmentation: Augmentation
    least_steps: int = 1

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return max(self.least_steps, math.ceil(len(self.samples) / self.size))

    def forever(self) -> Iterator[Batch]:
        """Epoch after epoch of inputs (size, height, width, 3) and targets as rows of zeros and a one."""
        random = np.random.default_rng(self.augmentation.seed)
        epoch = 0
        while True:
            order = self._order(random)
            for step in range(self.steps):
                chosen = order[step * self.size : (step + 1) * self.size]
                changed = self.augmentation.apply(self.samples.inputs[chosen], epoch, step)
                yield changed, one_hot(self.samples.targets[chosen], self.classes)
            epoch += 1

    def _order(self, random: np.random.Generator) -> NDArray[np.intp]:
        """Every batch full, since batch normalisation suffers from a last one of three samples."""
        rounds = math.ceil(self.steps * self.size / len(self.samples))
        return np.concatenate([random.permutation(len(self.samples)) for _ in range(rounds)])


def one_hot(targets: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Class indices (N,) as rows (N, classes) of zeros and a one."""
    return np.eye(classes, dtype=np.float32)[targets]
