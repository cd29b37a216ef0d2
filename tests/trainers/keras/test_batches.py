"""Batches are full, go through all samples, and come in the same order for the same seed."""

from __future__ import annotations

from itertools import islice

import numpy as np

from sightloop.trainers.keras.augmentation import Augmentation, Changes
from sightloop.trainers.keras.batches import Batches
from sightloop.trainers.trainer import Arrays

PLAIN = Changes(shift=0, rotate=0, scale=0, shear=0)


def batches(count: int, *, seed: int = 1, least_steps: int = 1) -> Batches:
    """Samples whose pixels are their number, in batches of four."""
    inputs = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    samples = Arrays(inputs, np.arange(count) % 3)
    return Batches(samples, 3, 4, Augmentation(PLAIN, seed), least_steps)


def names(of: Batches, steps: int) -> list[int]:
    return [int(image[0, 0, 0]) for inputs, _ in islice(of.forever(), steps) for image in inputs]


def test_an_epoch_goes_through_all_samples_and_fills_its_last_batch() -> None:
    ten = batches(10)
    assert ten.steps == 3
    epoch = names(ten, 3)
    assert sorted(epoch[:10]) == list(range(10))
    assert len(epoch) == 12


def test_few_samples_are_gone_through_several_times() -> None:
    three = batches(3, least_steps=5)
    assert three.steps == 5
    assert np.bincount(names(three, 5)).tolist() in ([7, 7, 6], [7, 6, 7], [6, 7, 7])


def test_each_epoch_has_an_order_of_its_own_that_the_seed_decides() -> None:
    assert names(batches(40), 20) == names(batches(40), 20)
    assert names(batches(40), 10) != names(batches(40), 20)[40:]
    assert names(batches(40), 10) != names(batches(40, seed=2), 10)


def test_targets_go_with_their_images() -> None:
    for inputs, targets in islice(batches(30).forever(), 10):
        assert (targets.argmax(axis=1) == inputs[:, 0, 0, 0] % 3).all()
        assert (targets.sum(axis=1) == 1).all()
