"""The gate: floors, and the paired test."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadData, BadRecipe
from sightloop.loop.judging.gates import decide
from sightloop.loop.judging.mcnemar import worse
from sightloop.loop.judging.report import Report
from sightloop.values.recipe import Gate


def report(right: list[int]) -> Report:
    """A report of a two-class model that was right where a 1 stands."""
    truth = np.arange(len(right)) % 2
    answered = np.where(np.array(right, bool), truth, 1 - truth)
    probabilities: NDArray[np.float32] = np.eye(2, dtype=np.float32)[answered]
    scores = plugins.load("tasks", "classification").score(probabilities, truth, ("no", "yes"))
    return Report(scores, np.array(right, bool))


def test_the_paired_test_is_the_exact_binomial() -> None:
    for lost, won in [(0, 0), (0, 5), (5, 0), (3, 1), (20, 9), (400, 380)]:
        n = lost + won
        tail = Fraction(sum(comb(n, k) for k in range(lost, n + 1)), 2**n)
        assert worse(lost, won) == pytest.approx(float(tail))


def test_a_first_model_needs_only_the_floors() -> None:
    decision = decide(Gate(floors={"accuracy": 0.7}), report([1, 1, 1, 0]), None)
    assert decision.accepted
    assert decision.reasons == ("accuracy 0.7500 >= 0.7000", "no champion to compare with")


def test_a_model_below_a_floor_is_refused_with_the_number() -> None:
    decision = decide(Gate(floors={"accuracy": 0.9, "recall.yes": 0.4}), report([1, 1, 1, 0]), None)
    assert not decision.accepted
    assert decision.reason == "accuracy 0.7500 < 0.9000"


def test_a_few_lost_samples_are_chance() -> None:
    decision = decide(Gate(), report([1] * 96 + [0] * 4), report([1] * 100))
    assert decision.accepted
    assert "0 right that the champion has wrong, 4 the other way round" in decision.reason


def test_many_lost_samples_are_not() -> None:
    decision = decide(Gate(), report([1] * 95 + [0] * 5), report([1] * 100))
    assert not decision.accepted
    assert "p = 0.0312" in decision.reason


def test_what_is_won_elsewhere_makes_up_for_what_is_lost() -> None:
    champion, challenger = [1] * 100 + [0] * 100, [0] * 100 + [1] * 100
    assert decide(Gate(), report(challenger), report(champion)).accepted


def test_the_significance_is_the_recipes() -> None:
    challenger, champion = report([1] * 96 + [0] * 4), report([1] * 100)
    assert not decide(Gate(significance=0.1), challenger, champion).accepted


def test_reports_of_other_samples_are_not_compared() -> None:
    with pytest.raises(BadData, match="not of the same samples"):
        decide(Gate(), report([1, 1]), report([1]))


def test_a_floor_that_names_no_score_is_refused() -> None:
    with pytest.raises(BadRecipe, match=r"did you mean 'recall\.yes'"):
        decide(Gate(floors={"recal.yes": 0.5}), report([1, 0]), None)
