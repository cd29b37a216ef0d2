"""Landmarks: the ways in which a hand may come, and what is no hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sightloop.errors import BadLandmarks
from sightloop.values.landmarks import Landmarks

HAND = np.arange(63, dtype=np.float32).reshape(21, 3)


@pytest.mark.parametrize("numbers", [HAND.ravel().tolist(), HAND.tolist(), HAND])
def test_flat_and_nested_numbers_are_the_same_hand(numbers: Any) -> None:
    assert (Landmarks.of(numbers).points == HAND).all()


def test_two_coordinates_leave_depth_unknown() -> None:
    points = Landmarks.of(HAND[:, :2].tolist()).points
    assert (points[:, 2] == 0).all()
    assert (points[:, :2] == HAND[:, :2]).all()


def test_fractions_of_an_image_get_one_unit() -> None:
    points = Landmarks.of(HAND, aspect=2.0).points
    assert (points[:, 0] == HAND[:, 0] * 2).all()
    assert (points[:, 1] == HAND[:, 1]).all()


def test_bytes_come_back_as_the_same_hand() -> None:
    assert (Landmarks.from_bytes(Landmarks.of(HAND).to_bytes()).points == HAND).all()


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ([0.0] * 62, "62"),
        ([0.0] * 64, "64"),
        ([], "0"),
        ([1.0] * 63, "one place"),
        ([float("nan"), *range(62)], "not a number"),
        ([float("inf"), *range(62)], "not a number"),
        ([1e300, *range(62)], "not a number"),
        (["a"] * 63, "not numbers"),
        ([None] * 63, "not a number"),
        ([[1, 2, 3]] * 20 + [[1, 2]], "not numbers"),
        ([[1, 2, 3, 4]] * 21, "shape"),
        ({"x": 1}, "not numbers"),
    ],
)
def test_what_is_no_hand_is_refused(numbers: Any, complaint: str) -> None:
    with np.errstate(over="ignore"), pytest.raises(BadLandmarks, match=complaint):
        Landmarks.of(numbers)


def test_an_aspect_ratio_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(BadLandmarks, match="not a number"):
        Landmarks.of(HAND, aspect=1e300)


@pytest.mark.parametrize("aspect", [0.0, -1.0, float("nan"), float("inf")])
def test_an_aspect_ratio_is_positive(aspect: float) -> None:
    with pytest.raises(BadLandmarks, match="aspect"):
        Landmarks.of(HAND, aspect=aspect)


def test_other_bytes_are_no_hand() -> None:
    with pytest.raises(BadLandmarks, match="252"):
        Landmarks.from_bytes(b"\0" * 251)
