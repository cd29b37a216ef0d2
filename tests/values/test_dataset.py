"""Dataset versions: the same content has the same name, and disorder is refused."""

from __future__ import annotations

import pytest

from sightloop.errors import BadData
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Place, Side


def entry(digest: str, side: Side = Side.TRAIN) -> Entry:
    return Entry(digest=digest, label="cat", side=side, place=Place("b", 0, 1))


def manifest(*entries: Entry) -> Manifest:
    return Manifest(project="cats", classes=("cat", "dog"), entries=entries)


def test_a_manifest_comes_back_from_its_bytes_under_the_same_name() -> None:
    made = manifest(entry("a"), entry("b", Side.TEST))
    again = Manifest.from_bytes(made.to_bytes())
    assert again == made
    assert again.digest == made.digest
    assert [found.digest for found in again.on(Side.TEST)] == ["b"]


@pytest.mark.parametrize("digests", ["ba", "aa"])
def test_disorder_is_refused(digests: str) -> None:
    with pytest.raises(BadData, match="ordered"):
        manifest(*(entry(digest) for digest in digests))
