"""Rules of the gate that hold for all numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sightloop import plugins
from sightloop.loop.judging.gates import decide
from sightloop.loop.judging.mcnemar import worse
from sightloop.loop.judging.report import Report
from sightloop.values.recipe import Gate

counts = some.integers(0, 300)


def report(right: list[bool]) -> Report:
    truth = np.zeros(len(right), np.int64)
    answers = np.eye(2, dtype=np.float32)[np.where(right, 0, 1)]
    return Report(plugins.load("tasks", "classification").score(answers, truth, ("a", "b")), np.array(right))


@given(counts, counts)
def test_the_paired_test_gives_a_probability_and_its_tails_overlap_in_one_term(lost: int, won: int) -> None:
    assert 0 <= worse(lost, won) <= 1
    assert worse(lost, won) + worse(won, lost) >= 1 - 1e-12


@given(counts, counts)
def test_losing_one_sample_more_never_looks_better(lost: int, won: int) -> None:
    assert worse(lost + 1, won) <= worse(lost, won) + 1e-12


@given(some.lists(some.booleans(), min_size=1, max_size=60))
def test_a_model_is_never_worse_than_itself(right: list[bool]) -> None:
    assert decide(Gate(), report(right), report(right)).accepted


@given(some.lists(some.tuples(some.booleans(), some.booleans()), min_size=1, max_size=60))
def test_two_models_never_refuse_each_other_both(pairs: list[tuple[bool, bool]]) -> None:
    one, other = (report(list(side)) for side in zip(*pairs, strict=True))
    assert decide(Gate(), one, other).accepted or decide(Gate(), other, one).accepted


@given(some.lists(some.booleans(), min_size=1, max_size=60), some.floats(0, 1))
def test_nothing_below_a_floor_is_ever_accepted(right: list[bool], least: float) -> None:
    decision = decide(Gate(floors={"accuracy": least}), report(right), None)
    assert decision.accepted == (report(right).scores.accuracy >= least)
    assert decision.accepted or decision.reason.startswith("accuracy ")


def test_ten_thousand_differing_samples_are_counted_exactly() -> None:
    assert worse(5000, 5000) == pytest.approx(0.50399, abs=1e-4)
