"""Corruptions: harder samples, always the same ones, of the same kind as what they came from."""

from __future__ import annotations

import numpy as np
import pytest
from tests import packages

from sightloop.errors import BadRecipe
from sightloop.tasks.corruptions import corrupt, corrupt_between_bars
from sightloop.values.image import Image
from sightloop.values.recipe import CORRUPTIONS

PICTURE = Image.decode(packages.drawn()[3][0]).pixels
HAND = packages.hand()


def far(kind: str, strength: int) -> float:
    """How far the mean picture of many seeds is from the picture."""
    changed = [corrupt(PICTURE, kind, strength, seed).astype(float) for seed in range(5)]
    return float(np.mean([np.abs(one - PICTURE).mean() for one in changed]))


@pytest.mark.parametrize("kind", CORRUPTIONS["image"])
def test_pictures_stay_pictures_and_get_harder(kind: str) -> None:
    changed = corrupt(PICTURE, kind, 2, 7)
    assert changed.shape == PICTURE.shape
    assert changed.dtype == np.uint8
    assert (corrupt(PICTURE, kind, 2, 7) == changed).all()
    assert 0 < far(kind, 1) < far(kind, 2) < far(kind, 3)


@pytest.mark.parametrize("kind", CORRUPTIONS["image"])
def test_bars_stay_as_they_are(kind: str) -> None:
    picture = np.random.default_rng(1).integers(1, 256, (20, 40, 3), np.uint8)
    changed = corrupt_between_bars(Image(picture).padded(40, 40), kind, 3, 7)
    np.testing.assert_array_equal(changed, Image(corrupt(picture, kind, 3, 7)).padded(40, 40))
    assert not changed[[*range(10), *range(30, 40)]].any()


@pytest.mark.parametrize("kind", CORRUPTIONS["landmarks"])
def test_hands_stay_hands(kind: str) -> None:
    changed = [corrupt(HAND, kind, strength, 7) for strength in (1, 2, 3)]
    assert all(one.shape == HAND.shape and one.dtype == np.float32 for one in changed)
    assert (corrupt(HAND, kind, 2, 7) == changed[1]).all()
    moved = [float(np.abs(one - HAND).max()) for one in changed]
    assert 0 < moved[0] < moved[1] < moved[2] or kind == "scale"


def test_dark_is_dark_and_bright_is_bright() -> None:
    assert corrupt(PICTURE, "darkness", 3, 0).max() == round(PICTURE.max() * 0.15)
    assert corrupt(PICTURE, "brightness", 1, 0).min() == PICTURE.min() + 40


def test_a_turned_hand_keeps_its_distances() -> None:
    turned = corrupt(HAND, "rotation", 3, 1)
    before, after = (np.linalg.norm(points[1:, :2] - points[0, :2], axis=1) for points in (HAND, turned))
    assert after == pytest.approx(before, rel=1e-4)
    assert (turned[:, 2] == HAND[:, 2]).all()


def test_noise_differs_from_sample_to_sample() -> None:
    assert (corrupt(PICTURE, "noise", 1, 1) != corrupt(PICTURE, "noise", 1, 2)).any()


def test_a_kind_that_such_samples_do_not_have_is_refused() -> None:
    with pytest.raises(BadRecipe, match="'blur' cannot be done"):
        corrupt(HAND, "blur", 1, 0)
