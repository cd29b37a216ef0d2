"""Changed images stay pictures of the same thing, and come out the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from sightloop.trainers.keras.augmentation import Augmentation, Changes

NONE = Changes(shift=0, rotate=0, scale=0, shear=0, bend=0)


def crosses(count: int = 8, height: int = 20, width: int = 30) -> NDArray[np.uint8]:
    """White crosses on a grey ground, longer to the right than to the left."""
    images = np.full((count, height, width, 3), 40, np.uint8)
    images[:, 10, 8:24] = images[:, 5:15, 12] = 255
    return images


def test_without_changes_images_stay_as_they_are() -> None:
    assert (Augmentation(NONE, 1).apply(crosses(), 0, 0) == crosses()).all()


@pytest.mark.parametrize("name", ["shift", "rotate", "scale", "shear", "bend"])
def test_each_change_changes_each_image_otherwise(name: str) -> None:
    amount = {"rotate": 20.0, "bend": 0.1}.get(name, 0.2)
    changed = Augmentation(replace(NONE, **{name: amount}), 1).apply(crosses(), 0, 0)
    assert changed.shape == crosses().shape
    assert len({image.tobytes() for image in changed}) == len(changed)
    assert np.abs(changed.mean() - crosses().mean()) < 15


def test_the_ground_goes_on_beyond_the_border() -> None:
    changed = Augmentation(replace(NONE, shift=0.4), 1).apply(np.full((4, 9, 9, 3), 200, np.uint8), 0, 0)
    assert (changed == 200).all()


def test_half_of_the_images_are_mirrored() -> None:
    images = crosses(200)
    changed = Augmentation(replace(NONE, mirror=True), 1).apply(images, 0, 0)
    kept = (changed == images).all(axis=(1, 2, 3))
    turned = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (kept ^ turned).all()
    assert 60 < kept.sum() < 140


def test_seed_epoch_and_batch_decide_alone() -> None:
    def apply(seed: int, epoch: int, batch: int) -> bytes:
        return Augmentation(Changes(bend=0.1), seed).apply(crosses(), epoch, batch).tobytes()

    assert apply(1, 0, 0) == apply(1, 0, 0)
    assert len({apply(1, 0, 0), apply(2, 0, 0), apply(1, 1, 0), apply(1, 0, 1)}) == 4
