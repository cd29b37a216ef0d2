"""Photographs that a model takes for the same are found, where their prints do not tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tests.data.test_prints import jpeg, near, photo
from tests.loop.samples.test_mislabelled import known

from sightloop.data import prints
from sightloop.loop.samples import alike
from sightloop.loop.samples.collect import collect
from sightloop.store import datasets
from sightloop.values.dataset import Entry
from sightloop.values.sample import Labelled, Side, digest_of
from sightloop.wiring import Parts

Make = Callable[..., Parts]


def cropped(seed: int) -> bytes:
    """A photograph without a seventeenth at each side."""
    return jpeg(np.ascontiguousarray(photo(seed, 170)[10:-10, 10:-10]), 80)


def stored(parts: Parts, contents: list[bytes]) -> tuple[Entry, ...]:
    """The contents in the project, every other one to be tested with."""
    sides = (Side.TEST, Side.TRAIN)
    items = [Labelled(content=one, label="1", side=sides[place % 2]) for place, one in enumerate(contents)]
    collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="", source="import")
    frozen = datasets.freeze(parts.database, parts.blobs, "tens", parts.recipe("tens").classes)
    with parts.database.read() as connection:
        entries = datasets.manifest(connection, parts.blobs, "tens", frozen.number).entries
    return tuple(entry for entry in entries if entry.digest in {digest_of(content) for content in contents})


def test_cropped_copies_that_the_prints_miss_are_found_with_their_sides(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    originals, copies = [jpeg(photo(seed)) for seed in range(41)], [cropped(seed) for seed in range(0, 40, 8)]
    assert not any(near(originals[seed], copy) for seed, copy in zip(range(0, 40, 8), copies, strict=True))
    found = alike.find(known(parts)[0], stored(parts, originals + copies), parts.blobs)
    pairs = [set(finding.samples) for finding in found]
    for seed, copy in zip(range(0, 40, 8), copies, strict=True):
        assert {digest_of(originals[seed]), digest_of(copy)} in pairs
    assert len(pairs) == len(copies)
    assert found[0].kind == "alike"
    assert any("on test and train" in finding.message or "on train and test" in finding.message for finding in found)


def test_near_duplicates_by_their_prints_are_not_told_of_twice(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    entries = stored(parts, [jpeg(photo(1), 95), jpeg(photo(1), 60), jpeg(photo(2))])
    assert alike.find(known(parts)[0], entries, parts.blobs) == []


def test_pictures_without_prints_are_not_compared(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    package, digits = known(parts)
    assert prints.of(parts.blobs.read(digits[0].place)) is None
    assert alike.find(package, digits[:20], parts.blobs) == []
