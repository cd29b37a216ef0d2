"""Average precision, beside pycocotools' own averages."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.tasks import precision

Rows = NDArray[np.float32]


def made(seed: int, pictures: int = 12) -> tuple[list[Rows], list[Rows]]:
    """Answers and truth: most boxes nearly right, some missing, some made up."""
    random = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(pictures):
        low = random.uniform(0, 300, (8, 2))
        kinds = random.integers(0, 3, 8)
        true = np.concatenate([low, low + random.uniform(20, 60, (8, 2)), kinds[:, None]], axis=1)
        near = np.clip(true[:6, :4] + random.normal(0, 3, (6, 4)), 0, None)
        stray = random.uniform(0, 300, (5, 2))
        boxes = np.concatenate([near, np.concatenate([stray, stray + 30], axis=1)])
        told = np.concatenate([kinds[:6], random.integers(0, 3, 5)])
        found.append(np.concatenate([boxes, random.uniform(0.05, 1, (11, 1)), told[:, None]], axis=1))
        truth.append(true)
    return [one.astype(np.float32) for one in found], [one.astype(np.float32) for one in truth]


@pytest.mark.parametrize("seed", range(5))
def test_the_averages_are_those_of_pycocotools(seed: int) -> None:
    found, truth = made(seed)
    own = precision._evaluated(found, truth, 3)
    with contextlib.redirect_stdout(io.StringIO()):
        own.accumulate()
    curves = own.eval["precision"]
    map50, mean = precision.mean(precision.match(found, truth, 3))
    assert map50 == pytest.approx(float(curves[0].mean()), abs=2e-3)
    assert mean == pytest.approx(float(curves.mean()), abs=2e-3)


def test_the_truth_itself_is_perfect() -> None:
    _, truth = made(0)
    found = [np.insert(boxes, 4, 0.9, axis=1) for boxes in truth]
    scores = precision.score(precision.match(found, truth, 3), ("a", "b", "c"), 0.25)
    assert scores.map50 == scores.map == scores.precision == scores.recall == 1.0
    assert sum(one.support for one in scores.per_class.values()) == 96
    assert set(scores.flat()) >= {"map50", "map", "ap50.a", "ap.c", "recall.b", "precision.c"}


def test_a_class_without_a_true_box_does_not_count() -> None:
    truth = [np.array([[0, 0, 10, 10, 0]], np.float32)]
    found = [np.array([[0, 0, 10, 10, 0.9, 0], [30, 30, 40, 40, 0.8, 1]], np.float32)]
    scores = precision.score(precision.match(found, truth, 2), ("a", "b"), 0.25)
    assert scores.map50 == 1.0
    assert (scores.per_class["b"].ap50, scores.per_class["b"].support) == (0.0, 0)


def test_a_weight_of_two_is_a_picture_that_comes_twice() -> None:
    found, truth = made(3, pictures=4)
    weighted = precision.mean(precision.match(found, truth, 3), np.array([2.0, 1, 1, 0]))
    doubled = precision.mean(precision.match([found[at] for at in (0, 0, 1, 2)], [truth[at] for at in (0, 0, 1, 2)], 3))
    assert weighted == pytest.approx(doubled, abs=0.01)


def test_nothing_to_find_is_refused() -> None:
    with pytest.raises(BadData, match="no boxes"):
        precision.match([np.zeros((0, 6), np.float32)], [np.zeros((0, 5), np.float32)], 2)
    with pytest.raises(BadData, match="fit together"):
        precision.match([], [np.zeros((0, 5), np.float32)], 2)
