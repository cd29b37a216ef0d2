"""Where a hand is, how large, in which unit and how deep changes nothing; which hand it is changes no distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightloop.trainers.sklearn.features import Extract, extractor
from sightloop.trainers.sklearn.hands import Alteration, altered
from sightloop.values.landmarks import Landmarks
from sightloop.values.recipe import Input

COORDINATES = 40
SHAPES = st.integers(0, 2**32 - 1)
FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


@pytest.fixture(scope="module")
def extract() -> Extract:
    """The features of hands, from the graph that packages carry."""
    return extractor(Input(kind="landmarks"))


def hand(shape: int) -> NDArray[np.float32]:
    """A hand (1, 21, 3) of coordinates about 1."""
    return np.random.default_rng(shape).normal(size=(1, 21, 3)).astype(np.float32)


@given(shape=SHAPES, size=st.floats(1e-4, 1e4), x=st.floats(-20, 20), y=st.floats(-20, 20))
def test_place_and_size_change_nothing(extract: Extract, shape: int, size: float, x: float, y: float) -> None:
    points = hand(shape)
    moved = ((points + np.array([x, y, 0])) * size).astype(np.float32)
    assert extract(moved) == pytest.approx(extract(points), abs=1e-3)


@given(shape=SHAPES, depth=FINITE)
def test_depth_changes_nothing(extract: Extract, shape: int, depth: float) -> None:
    points = hand(shape)
    assert np.array_equal(extract(points * np.array([1, 1, depth], np.float32)), extract(points))


@given(shape=SHAPES)
def test_the_other_hand_has_the_same_distances(extract: Extract, shape: int) -> None:
    points = hand(shape)
    one, other = extract(points), extract(points * np.array([-1, 1, 1], np.float32))
    assert np.array_equal(one[:, COORDINATES:], other[:, COORDINATES:])
    assert np.array_equal(one[:, :COORDINATES:2], -other[:, :COORDINATES:2])


@given(numbers=st.lists(FINITE, min_size=63, max_size=63).filter(lambda all: len({*all[0::3], *all[1::3]}) > 2))
def test_whatever_passes_for_a_hand_has_finite_features(extract: Extract, numbers: list[float]) -> None:
    features = extract(Landmarks.of(numbers).points[None])
    assert np.isfinite(features).all()
    assert np.abs(features).max() <= 2 * np.sqrt(21) + 1e-3


@given(shape=SHAPES, chance=SHAPES, turn=st.floats(0, 180), mirrored=st.floats(0, 1))
def test_turned_and_mirrored_hands_keep_their_distances(
    extract: Extract, shape: int, chance: int, turn: float, mirrored: float
) -> None:
    how = Alteration(turn=turn, mirrored=mirrored, stretch=1, noise=0)
    points = hand(shape)
    other = altered(points, how, np.random.default_rng(chance))
    assert extract(other)[:, COORDINATES:] == pytest.approx(extract(points)[:, COORDINATES:], abs=1e-4)
