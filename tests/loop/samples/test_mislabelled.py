"""Wrong labels among right ones are found."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sightloop.loop.samples.mislabelled import find
from sightloop.store import datasets, packages, versions
from sightloop.values.dataset import Entry
from sightloop.values.package import Sealed
from sightloop.wiring import Parts

Make = Callable[..., Parts]


def known(parts: Parts) -> tuple[Sealed, tuple[Entry, ...]]:
    """The champion, and the samples that it was made of."""
    with parts.database.read() as connection:
        package = packages.load(parts.blobs, versions.get(connection, "tens", 1).package)
        return package, datasets.manifest(connection, parts.blobs, "tens", 1).entries


def test_most_planted_lies_are_found_and_few_others_told_of(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    package, entries = known(parts)
    lies = {entry.digest: str((int(entry.label) + 3) % 10) for entry in entries[::15]}
    told = [msgspec.structs.replace(entry, label=lies.get(entry.digest, entry.label)) for entry in entries]
    found = [finding.samples[0] for finding in find(package, told, parts.blobs)]
    right = set(found) & set(lies)
    assert len(right) >= 0.8 * len(lies)
    assert len(right) >= 0.5 * len(found)
    assert len(set(found[:10]) & set(lies)) >= 7


def test_a_class_of_few_samples_is_passed_over(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    package, entries = known(parts)
    assert find(package, entries[:3], parts.blobs) == []
