"""What the gate promises of models that are equally good: it errs no more often than it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.loop.judging.gates import decide
from sightloop.loop.judging.report import Report
from sightloop.values.recipe import Floor, Gate, Robustness, Slice

CLASSES = tuple("abcdefgh")
SAMPLES, ROUNDS = 800, 200
TASK = plugins.load("tasks", "classification")
TRUTH = np.arange(SAMPLES) % len(CLASSES)
LABELS = tuple(CLASSES[index] for index in TRUTH)


def report(hardness: NDArray[np.float64], skill: float, random: Generator) -> Report:
    """A model that is right more often on easy samples than on hard ones; two of one skill err on different ones."""
    right = random.random(SAMPLES) < 1 - hardness * (1 - skill) * 2
    dark = random.random(SAMPLES) < 1 - hardness * (1 - skill) * 3
    answered = np.where(right, TRUTH, (TRUTH + 1) % len(CLASSES))
    scores = TASK.score(np.eye(len(CLASSES), dtype=np.float32)[answered], TRUTH, CLASSES)
    return Report(scores, right, LABELS, {f"darkness {strength}": dark for strength in (1, 2, 3)})


def share(gate: Gate, challenger: float, champion: float) -> float:
    """The share of comparisons in which the challenger is accepted, on held-out samples drawn anew each time."""
    random = np.random.default_rng(20261121)
    slices = {"even": TRUTH % 2 == 0}
    accepted = 0
    for _ in range(ROUNDS):
        hardness = random.random(SAMPLES)
        one, other = (report(hardness, skill, random) for skill in (challenger, champion))
        accepted += decide(gate, one, other, slices).accepted
    return accepted / ROUNDS


GATES = {
    "alone": Gate(class_drop=None),
    "by class": Gate(class_drop=0.0),
    "by everything": Gate(
        class_drop=0.0,
        robustness=Robustness(darkness=Floor(drop=0.0)),
        slices={"even": Slice(origin="*", drop=0.0)},
    ),
}


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("skill", [0.8, 0.97])
def test_equals_are_refused_no_more_often_than_the_level(name: str, skill: float) -> None:
    # Even with no margin at all, where only the level protects; 200 draws at 5 % stay below 9 % with odds of 100 to 1.
    assert 1 - share(GATES[name], skill, skill) <= 0.05 + 0.04


@pytest.mark.parametrize("skill", [0.8, 0.97])
def test_equals_are_promoted_no_more_often_than_the_level_where_better_is_asked(skill: float) -> None:
    assert share(Gate(better=True), skill, skill) <= 0.05 + 0.04


def test_what_is_clearly_worse_is_refused_and_what_is_clearly_better_promoted() -> None:
    assert share(Gate(), 0.85, 0.93) <= 0.01
    assert share(Gate(better=True), 0.93, 0.85) >= 0.99
