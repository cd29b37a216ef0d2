"""A detector is judged by what it finds in the champion's own pictures."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.errors import BadData, BadRecipe
from sightloop.loop.judging import box_gates
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.judging.report import Cost
from sightloop.tasks import precision
from sightloop.values.recipe import Gate

CLASSES = ("ball", "player")
PICTURES = 20


def truth() -> list[NDArray[np.float32]]:
    """Two players and a ball in each picture."""
    boxes = [[10, 10, 30, 60, 1], [100, 10, 120, 60, 1], [60, 60, 68, 68, 0]]
    return [np.array(boxes, np.float32)] * PICTURES


def report(players: float = 1.0, balls: float = 1.0, seed: int = 0, pictures: int = PICTURES) -> BoxReport:
    """A detector that finds this share of each class, and nothing that is not there."""
    chance, found = np.random.default_rng(seed), []
    for boxes in truth()[:pictures]:
        kept = chance.random(len(boxes)) < np.where(boxes[:, 4] == 1, players, balls)
        found.append(np.insert(boxes[kept], 4, 0.9, axis=1).astype(np.float32))
    matched = precision.match(found, truth()[:pictures], len(CLASSES))
    return BoxReport(precision.score(matched, CLASSES, 0.25), tuple(matched), CLASSES)


def test_the_first_detector_must_hold_its_floors_only() -> None:
    assert box_gates.decide(Gate(floors={"map50": 0.9}), report(), None).accepted
    refused = box_gates.decide(Gate(floors={"ap50.ball": 0.9}), report(balls=0.3), None)
    assert not refused.accepted
    assert "ap50.ball" in refused.reason


def test_a_floor_of_another_name_is_refused() -> None:
    with pytest.raises(BadRecipe, match="accuracy"):
        box_gates.decide(Gate(floors={"accuracy": 0.9}), report(), None)


def test_the_better_one_is_kept() -> None:
    good, poor = report(players=0.9), report(players=0.4)
    assert box_gates.decide(Gate(), good, poor).accepted
    refused = box_gates.decide(Gate(), poor, good)
    assert not refused.accepted
    assert refused.reasons[0].startswith("worse than the champion: mAP")
    numbers = refused.findings[0].numbers
    assert numbers["low"] <= numbers["got"] - numbers["champion"] <= numbers["high"] < 0


def test_an_equal_one_may_follow_unless_it_must_be_better() -> None:
    assert box_gates.decide(Gate(), report(), report()).accepted
    assert not box_gates.decide(Gate(better=True), report(), report()).accepted
    assert box_gates.decide(Gate(better=True), report(), report(players=0.5)).accepted


def test_what_is_gained_on_players_does_not_buy_the_ball() -> None:
    challenger, champion = report(players=1.0, balls=0.2), report(players=0.1, balls=0.9)
    decision = box_gates.decide(Gate(), challenger, champion)
    assert challenger.scores.map > champion.scores.map
    assert [finding.name for finding in decision.findings if not finding.held] == ["class ball"]
    assert box_gates.decide(Gate(class_drop=None), challenger, champion).accepted


def test_a_dearer_detector_is_refused() -> None:
    cheap, dear = (Cost(size_bytes=size, latency_ms=None, memory_bytes=None) for size in (100, 300))
    ours, theirs = report(), report()
    gate = Gate(max_size_ratio=2.0)
    decision = box_gates.decide(gate, _costing(ours, dear), _costing(theirs, cheap))
    assert [finding.name for finding in decision.findings if not finding.held] == ["size"]


def _costing(one: BoxReport, cost: Cost) -> BoxReport:
    return BoxReport(one.scores, one.found, one.classes, cost)


def test_other_pictures_cannot_be_compared() -> None:
    with pytest.raises(BadData, match="same pictures"):
        box_gates.decide(Gate(), report(), report(pictures=5))


def test_the_decision_is_the_same_every_time() -> None:
    one, other = (box_gates.decide(Gate(), report(seed=1, players=0.7), report(players=0.7)) for _ in range(2))
    assert msgspec.json.encode(one) == msgspec.json.encode(other)
