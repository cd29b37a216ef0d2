"""Temperature scaling finds the temperature by which logits are off."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.trainers.calibration import fit_any_temperature, fit_temperature, log_probabilities, probabilities


def drawn(count: int = 4000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits, and targets drawn with the very probabilities that the logits say."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (count, 5)).astype(np.float32)
    chances = probabilities(logits, 1.0).cumsum(axis=1)
    return logits, (random.random((count, 1)) > chances[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
def test_the_temperature_by_which_logits_were_off_is_found(temperature: float) -> None:
    logits, targets = drawn()
    assert fit_temperature(logits * temperature, targets) == pytest.approx(temperature, rel=0.06)


def test_samples_all_answered_rightly_do_not_sharpen_for_ever() -> None:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]] * 5
    assert 0.3 < fit_temperature(logits, np.array([0, 1, 2, 0])) < 1


@pytest.mark.parametrize("scale", [1e-3, 0.25, 1.0, 20.0, 400.0])
def test_of_logits_of_any_scale_few_samples_tell_the_same_answers(scale: float) -> None:
    logits, targets = drawn(200)
    found = fit_any_temperature(logits * scale, targets)
    assert found / scale == pytest.approx(fit_any_temperature(logits, targets), rel=0.01)
    assert found / scale == pytest.approx(1, rel=0.2)


def test_logits_of_any_scale_that_are_all_right_are_as_sure_as_their_number_allows() -> None:
    targets = np.tile(np.arange(3), 20)
    logits = np.eye(3, dtype=np.float32)[targets] * 5000
    sure = probabilities(logits, fit_any_temperature(logits, targets)).max(axis=1)
    assert 0.97 < sure.mean() < 0.9999


def test_without_samples_logits_stay_as_they_are() -> None:
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)) == pytest.approx(1)


def test_probabilities_sum_to_one_however_large_the_logits() -> None:
    rows = probabilities(np.array([[1e4, -1e4, 0], [0, 0, 0]], np.float32), 0.1)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert rows[1] == pytest.approx(1 / 3)
    assert np.isfinite(log_probabilities(np.array([[1e4, -1e4]]), 0.5)).all()
