"""Which side of a split a sample is on: decided by its content alone, so that it never changes sides."""

from __future__ import annotations

from sightloop.values.recipe import Split
from sightloop.values.sample import Side


def side_of(digest: str, split: Split) -> Side:
    """The side of the sample with this SHA-256 (64 hexadecimal digits).

    Test takes the lowest digests and validation the highest, so that a change of one share moves samples between that
    side and training only, never between test and validation.
    """
    place = int(digest[:13], 16) / 2**52  # 52 bits fit a float, so the quotient stays below 1
    if place < split.test:
        return Side.TEST
    if place >= 1 - split.validation:
        return Side.VALIDATION
    return Side.TRAIN
