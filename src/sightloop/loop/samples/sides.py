"""Which side of the split new samples take: their own, or that of the near duplicates that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import msgspec
from sqlalchemy import Connection

from sightloop.data import prints as pictures
from sightloop.store import locks, prints, samples
from sightloop.store.samples import NewSample
from sightloop.values.sample import Side


def add(
    c: Connection, project: str, new: Sequence[NewSample], printed: Mapping[str, str], pinned: Set[str] = frozenset()
) -> set[str]:
    """Add samples with their prints (by digest, where they have one); the digests of those that were not there.

    A near duplicate takes the side of the sample that it resembles, of the project or before it in `new`, so that no
    model is judged by a picture that it learned from. Samples whose digests are `pinned` stay where their data set has
    them.
    """
    if printed:  # two near duplicates that come at once must not both look before the other is there
        locks.take(c, "prints", project)
    # The pinned first: the others then follow them.
    ordered = sorted(new, key=lambda sample: sample.digest not in pinned)
    added = samples.add(c, project, _settled(c, project, ordered, printed, pinned))
    prints.add(c, project, {digest: print for digest, print in printed.items() if digest in added})
    return added


def _settled(
    c: Connection, project: str, new: list[NewSample], printed: Mapping[str, str], pinned: Set[str]
) -> list[NewSample]:
    comparable = [sample for sample in new if sample.digest in printed]
    if not comparable:
        return new
    words = pictures.words([printed[sample.digest] for sample in comparable])
    like_known = pictures.nearest(words, pictures.words(prints.all(c, project)))
    there = _sides(c, project, [place for place in like_known if place is not None])
    before: dict[int, int] = {}
    for first, later in pictures.pairs(words):
        before.setdefault(later, first)
    sides: dict[str, Side] = {}
    for row, sample in enumerate(comparable):
        known, earlier = like_known[row], before.get(row)
        if sample.digest in pinned:
            sides[sample.digest] = sample.side
        elif known is not None:
            sides[sample.digest] = there[known]
        elif earlier is not None:
            sides[sample.digest] = sides[comparable[earlier].digest]
        else:
            sides[sample.digest] = sample.side
    return [msgspec.structs.replace(sample, side=sides.get(sample.digest, sample.side)) for sample in new]


def _sides(c: Connection, project: str, places: list[int]) -> dict[int, Side]:
    """The sides of the samples whose prints stand at these places."""
    digests = prints.samples(c, project, places)
    found = samples.sides(c, project, digests)
    return {place: found[digest] for place, digest in zip(places, digests, strict=True)}
