"""The challenger against the champion, in groups."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from sightloop import plugins
from sightloop.errors import BadRecipe
from sightloop.loop.judging.decision import Decision
from sightloop.loop.judging.gates import decide
from sightloop.loop.judging.report import Cost, Report
from sightloop.values.recipe import Floor, Gate, Recipe, Robustness, Slice

TRUTH = np.arange(400) % 4
CLASSES = ("a", "b", "c", "d")


def report(wrong: Sequence[int], **fields: object) -> Report:
    """A model that errs on these of 400 samples of four classes."""
    right = ~np.isin(np.arange(400), wrong)
    answered = np.where(right, TRUTH, (TRUTH + 1) % 4)
    scores = plugins.load("tasks", "classification").score(np.eye(4, dtype=np.float32)[answered], TRUTH, CLASSES)
    return Report(scores, right, tuple(CLASSES[one] for one in TRUTH), **fields)  # type: ignore[arg-type]


def of(label: str, many: int) -> list[int]:
    """The first so many samples of a class."""
    return list(np.flatnonzero(np.array(CLASSES)[TRUTH] == label)[:many])


def test_better_on_average_but_worse_on_a_class_is_refused_with_the_numbers() -> None:
    champion, challenger = report(of("a", 30) + of("c", 30)), report(of("b", 15))
    decision = decide(Gate(), challenger, champion)
    assert challenger.scores.accuracy > champion.scores.accuracy
    (failed,) = [finding for finding in decision.findings if not finding.held]
    assert failed.name == "class b"
    assert failed.numbers["drop"] == pytest.approx(0.15)
    assert failed.numbers["p"] < failed.numbers["level"] == pytest.approx(0.05 / 8)
    assert decision.reason.startswith(
        "class b: 0.8500 where the champion has 1.0000, 15.0 points less (10 allowed; 100"
    )


def test_a_loss_within_the_margin_or_within_chance_is_not_refused() -> None:
    champion, challenger = report(of("a", 30)), report(of("b", 9))
    assert decide(Gate(), challenger, champion).accepted
    assert decide(Gate(class_drop=0.03), report(of("b", 5)), champion).accepted
    assert not decide(Gate(class_drop=0.08), challenger, champion).accepted


def test_without_groups_the_whole_level_goes_to_the_comparison_of_all() -> None:
    worse, champion = report(of("a", 5)), report([])
    assert not decide(Gate(class_drop=None), worse, champion).accepted
    assert decide(Gate(), worse, champion).accepted


def test_better_can_be_asked_for() -> None:
    gate = Gate(better=True)
    assert decide(gate, report([]), report(of("a", 9))).accepted
    equal = decide(gate, report(of("a", 9)), report(of("b", 9)))
    assert not equal.accepted
    assert "not better than the champion" in equal.reason


def test_what_fails_in_the_dark_is_refused_three_ways() -> None:
    seen, blind = np.ones(400, bool), np.arange(400) % 3 == 0
    champion, challenger = report([], changed={"darkness 1": seen}), report([], changed={"darkness 1": blind})
    for floor, told in (
        (Floor(least=0.8, strength=1), "accuracy under darkness 1 0.3350 < 0.8000"),
        (Floor(keep=0.9, strength=1), "accuracy under darkness 1 (of 1.0000, 90 % to keep) 0.3350 < 0.9000"),
        (Floor(drop=0.1, strength=1), "darkness 1: 0.3350 where the champion has 1.0000, 66.5 points less"),
    ):
        gate = Gate(robustness=Robustness(darkness=floor))
        assert decide(gate, challenger, champion).reason.startswith(told)
        assert decide(gate, champion, challenger).accepted


def test_a_slice_has_its_floor_and_its_comparison() -> None:
    night = {"night": np.arange(400) < 100}
    challenger, champion = report(list(range(0, 100, 3))), report(list(range(100, 160)))
    for rule in (Slice(origin="*night*", least=0.9), Slice(origin="*night*", drop=0.05)):
        decision = decide(Gate(slices={"night": rule}, class_drop=None), challenger, champion, night)
        assert [finding.name.split()[:2] for finding in decision.findings if not finding.held] == [["slice", "night"]]
    nobody = {"night": np.zeros(400, bool)}
    empty = decide(Gate(slices={"night": Slice(origin="*night*", least=0.9)}), challenger, None, nobody)
    assert empty.reason == "no held-out sample belongs to the slice night"


def test_costs_are_ratios_to_the_champion() -> None:
    cheap, dear = (
        Cost(latency_ms=ms, size_bytes=size, memory_bytes=10**7) for ms, size in ((1.0, 10**6), (3.1, 10**7))
    )
    gate = Gate(max_latency_ratio=2.0, max_size_ratio=5.0, max_memory_ratio=1.5)
    decision = decide(gate, report([], cost=dear), report([], cost=cheap))
    assert decision.reasons == (
        "latency: 3.1 against 1 ms (95th percentile, one input), 3.10 times the champion's (2 allowed)",
        "size: 1e+07 against 1e+06 bytes, 10.00 times the champion's (5 allowed)",
    )
    assert decide(gate, report([], cost=cheap), report([], cost=dear)).accepted


def test_a_champion_whose_memory_was_too_small_to_measure_leaves_a_decision_that_can_be_kept() -> None:
    nothing, something = (Cost(size_bytes=1, memory_bytes=memory) for memory in (0, 10**6))
    decision = decide(Gate(max_memory_ratio=2.0), report([], cost=something), report([], cost=nothing))
    assert decision.reason.endswith("where the champion's was too small to measure (2 allowed)")
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision


def test_calibration_has_its_floor() -> None:
    decision = decide(Gate(max_ece=0.05), report(of("a", 60)), None)
    assert decision.reason == "calibration error 0.1500 > 0.0500"
    assert decide(Gate(max_ece=0.05), report([]), None).accepted


RECIPE = """
name = "r"
task = "classification"
classes = ["a", "b"]
input = { kind = "image" }
train = { trainer = "keras" }
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gate.robustness.jitter]\nleast = 0.5", "gate.robustness.jitter is not for image"),
        ("[gate.robustness.blurr]\nleast = 0.5", "did you mean 'blur'"),
        ("[gate.robustness.blur]\nleats = 0.5", "did you mean 'least'"),
        ("[gate.slices.night]\norigin = '*'\nleats = 0.5", "did you mean 'least'"),
        ("[gate.robustness.blur]\nstrength = 4", "<= 3"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadRecipe) as refused:
        Recipe.parse(RECIPE + text)
    assert told in f"{refused.value} {refused.value.hint}"
