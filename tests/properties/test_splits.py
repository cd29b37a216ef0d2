"""A sample never changes sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from sightloop.data.splits import side_of
from sightloop.values.recipe import Split
from sightloop.values.sample import Side, digest_of

shares = some.floats(0, 0.49)


@given(some.binary(), shares, shares)
def test_the_same_content_is_always_on_the_same_side(content: bytes, validation: float, test: float) -> None:
    split = Split(validation=validation, test=test)
    assert side_of(digest_of(content), split) is side_of(digest_of(bytes(content)), split)


@given(some.binary(), shares, shares, shares, shares)
def test_other_shares_never_move_a_sample_between_test_and_validation(
    content: bytes, validation: float, test: float, other_validation: float, other_test: float
) -> None:
    digest = digest_of(content)
    before = side_of(digest, Split(validation=validation, test=test))
    after = side_of(digest, Split(validation=other_validation, test=other_test))
    assert {before, after} != {Side.TEST, Side.VALIDATION}


@given(some.binary(), shares, shares, shares)
def test_a_larger_test_share_keeps_every_test_sample(
    content: bytes, validation: float, test: float, more: float
) -> None:
    digest = digest_of(content)
    if side_of(digest, Split(validation=validation, test=test)) is Side.TEST:
        assert side_of(digest, Split(validation=validation, test=max(test, more))) is Side.TEST
