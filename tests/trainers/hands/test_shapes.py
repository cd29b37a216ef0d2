"""The shape of a hand is told the same wherever it is and however it is turned."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as some

from sightloop.trainers.hands.shapes import PAIRS, distances, stretched
from sightloop.values.landmarks import POINTS


@given(some.integers(0, 2**32 - 1), some.floats(0, 6.3), some.floats(0.1, 100), some.booleans())
def test_a_hand_that_is_turned_moved_mirrored_or_farther_away_has_the_same_shape(
    seed: int, turn: float, size: float, mirrored: bool
) -> None:
    chance = np.random.default_rng(seed)
    points = chance.uniform(0.2, 0.8, (3, POINTS, 2))
    cosine, sine = np.cos(turn), np.sin(turn)
    place = size * np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    one, other = (distances(torch.from_numpy(each)).numpy() for each in (points, points @ place.T + 3 * size))
    assert one.shape == (3, len(PAIRS))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_the_unit_is_how_far_the_points_are_from_the_wrist() -> None:
    points = np.zeros((1, POINTS, 2), np.float32)
    points[0, 1:, 0] = 5
    found = distances(torch.from_numpy(points)).numpy()[0]
    far = dict(zip(PAIRS, found, strict=True))
    assert abs(far[0, 7] - np.sqrt(POINTS / (POINTS - 1))) < 1e-5
    assert far[3, 7] < 1e-3


def test_all_points_in_one_place_give_numbers() -> None:
    assert np.isfinite(distances(torch.zeros((1, POINTS, 2))).numpy()).all()


def test_a_stretched_hand_keeps_its_area() -> None:
    square = np.array([[[0, 0], [1, 0], [0, 1]]] * 5, np.float32)
    bent = stretched(square, np.random.default_rng(1))
    areas = np.abs(np.linalg.det(bent[:, 1:] - bent[:, :1]))
    np.testing.assert_allclose(areas, 1, rtol=1e-5)
    assert (np.abs(bent - square).max(axis=(1, 2)) > 0.01).any()
