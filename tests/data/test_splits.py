"""Shares of the split, and its ends."""

from __future__ import annotations

from collections import Counter

from sightloop.data.splits import side_of
from sightloop.values.recipe import Split
from sightloop.values.sample import Side, digest_of


def test_the_shares_are_honoured() -> None:
    sides = Counter(side_of(digest_of(str(number).encode()), Split(validation=0.2, test=0.1)) for number in range(5000))
    assert abs(sides[Side.VALIDATION] / 5000 - 0.2) < 0.02
    assert abs(sides[Side.TEST] / 5000 - 0.1) < 0.02


def test_the_ends_of_the_range_have_a_side() -> None:
    assert side_of("0" * 64, Split(validation=0.1, test=0.1)) is Side.TEST
    assert side_of("f" * 64, Split(validation=0.1, test=0.1)) is Side.VALIDATION
    assert side_of("f" * 64, Split(validation=0, test=0)) is Side.TRAIN
    assert side_of("0" * 64, Split(validation=0, test=0)) is Side.TRAIN
