"""Scores agree with scikit-learn's, and with hand-made cases where scikit-learn has none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.tasks import scoring


def _answers(seed: int, samples: int = 300, classes: int = 5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    raw = rng.random((samples, classes)).astype(np.float32)
    return raw / raw.sum(axis=1, keepdims=True), rng.integers(0, classes, samples)


def test_agrees_with_scikit_learn() -> None:
    from sklearn import metrics

    probabilities, targets = _answers(3)
    classes = [f"c{i}" for i in range(5)]
    scores = scoring.score(probabilities, targets, classes)
    answers = probabilities.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(targets, answers, labels=range(5))
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(targets, answers))
    assert scores.precision == pytest.approx(precision.mean())
    assert scores.recall == pytest.approx(recall.mean())
    assert scores.f1 == pytest.approx(f1.mean())
    assert scores.loss == pytest.approx(metrics.log_loss(targets, probabilities, labels=range(5)), rel=1e-5)
    assert [row.support for row in scores.per_class.values()] == support.tolist()
    assert np.array_equal(scores.confusion, metrics.confusion_matrix(targets, answers, labels=range(5)))


@pytest.mark.parametrize("right", [0, 1, 41, 60])
def test_the_interval_of_an_accuracy_agrees_with_scipy(right: int) -> None:
    from scipy.stats import binomtest

    targets = np.zeros(60, np.int64)
    answers = np.eye(2, dtype=np.float32)[(np.arange(60) >= right).astype(int)]
    expected = binomtest(right, 60).proportion_ci(method="wilson")
    assert scoring.score(answers, targets, ["a", "b"]).interval == pytest.approx(
        (expected.low, expected.high), abs=1e-6
    )


def test_a_class_never_seen_nor_answered_scores_zero() -> None:
    scores = scoring.score(np.array([[0.9, 0.1, 0.0]], np.float32), np.array([0]), ["a", "b", "c"])
    assert scores.per_class["c"].recall == scores.per_class["c"].precision == scores.per_class["c"].f1 == 0
    assert scores.per_class["a"].f1 == 1


def test_sure_and_always_right_is_perfectly_calibrated() -> None:
    probabilities = np.eye(3, dtype=np.float32)
    assert scoring.calibration_error(probabilities, np.arange(3)) == 0
    assert scoring.log_loss(probabilities, np.arange(3)) == 0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    # Ten answers of confidence 0.8, six of them right.
    probabilities = np.tile(np.array([0.8, 0.2], np.float32), (10, 1))
    targets = np.array([0] * 6 + [1] * 4)
    assert scoring.calibration_error(probabilities, targets) == pytest.approx(0.2, abs=1e-6)


def test_certainly_wrong_costs_much_but_not_infinity() -> None:
    loss = scoring.log_loss(np.array([[1.0, 0.0]], np.float32), np.array([1]))
    assert 10 < loss < 100


def test_no_samples_are_refused() -> None:
    with pytest.raises(BadData, match="no samples"):
        scoring.score(np.empty((0, 2), np.float32), np.empty(0, np.int64), ["a", "b"])


def test_a_wrong_number_of_classes_is_refused() -> None:
    with pytest.raises(BadData, match="do not fit"):
        scoring.score(np.ones((2, 3), np.float32), np.zeros(2, np.int64), ["a", "b"])
