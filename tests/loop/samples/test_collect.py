"""Samples and labels go in once, with a reason for each that does not."""

from collections.abc import Callable
from itertools import islice

import pytest
from tests import tens
from tests.labels import counting

from sightloop.loop.samples import collect as collecting
from sightloop.loop.samples.collect import Collected, collect
from sightloop.store import annotations, samples
from sightloop.values.annotation import Source
from sightloop.values.sample import Labelled, Side, digest_of
from sightloop.wiring import Parts

Make = Callable[..., Parts]


def bring(parts: Parts, items: list[Labelled], source: Source = "upload", author: str = "ann") -> Collected:
    return collect(parts.database, parts.blobs, parts.recipe("tens"), items, author=author, source=source)


def label_of(parts: Parts, item: Labelled) -> str:
    with parts.database.read() as connection:
        return counting(connection, "tens")[digest_of(item.content)]


def test_new_samples_are_stored_with_their_bytes_side_and_label(make_parts: Make) -> None:
    parts = make_parts()
    items = list(tens.samples(50))
    assert bring(parts, items) == Collected(added=50)
    with parts.database.read() as connection:
        for item in items:
            stored = samples.get(connection, "tens", digest_of(item.content))
            assert stored is not None
            assert parts.blobs.read(stored.place) == item.content
        assert counting(connection, "tens") == {digest_of(item.content): item.label for item in items}


def test_the_same_again_changes_nothing(make_parts: Make) -> None:
    parts = make_parts()
    items = list(tens.samples(50))
    bring(parts, items)
    assert bring(parts, items) == Collected(known=50)
    with parts.database.read() as connection:
        assert annotations.count_since(connection, "tens", None) == 50


def test_a_pinned_side_is_kept_and_never_changed(make_parts: Make) -> None:
    parts = make_parts()
    (item,) = tens.samples(1)
    pinned = Labelled(content=item.content, label=item.label, side=Side.TEST)
    bring(parts, [pinned])
    bring(parts, [Labelled(content=item.content, label=item.label, side=Side.TRAIN)])
    with parts.database.read() as connection:
        stored = samples.get(connection, "tens", digest_of(item.content))
    assert stored is not None
    assert stored.side is Side.TEST


def test_a_correction_counts_and_an_import_does_not_undo_it(make_parts: Make) -> None:
    parts = make_parts()
    (item,) = tens.samples(1)
    corrected = Labelled(content=item.content, label="9")
    bring(parts, [item], "import")
    assert bring(parts, [corrected], "feedback") == Collected(known=1, relabelled=1)
    assert bring(parts, [item], "import") == Collected(known=1)
    assert label_of(parts, item) == "9"
    assert bring(parts, [item], "upload") == Collected(known=1, relabelled=1)
    assert label_of(parts, item) == item.label


def test_the_last_of_several_labels_in_one_batch_counts(make_parts: Make) -> None:
    parts = make_parts()
    (item,) = tens.samples(1)
    items = [Labelled(content=item.content, label=label) for label in ("1", "2", "3")]
    assert bring(parts, items) == Collected(added=1, known=2, relabelled=2)
    assert label_of(parts, item) == "3"


def test_what_cannot_be_taken_in_is_rejected_with_its_place_and_reason(make_parts: Make) -> None:
    parts = make_parts()
    good, other = tens.samples(2)
    found = bring(
        parts,
        [
            good,
            Labelled(content=b"no image", label="1", origin="cat.txt"),
            Labelled(content=other.content, label="ten"),
            Labelled(content=other.content[:-40], label="1"),
        ],
    )
    assert found.added == 1
    assert [(one.index, one.origin) for one in found.rejected] == [(1, "cat.txt"), (2, ""), (3, "")]
    assert "not an image" in found.rejected[0].reason
    assert "the label 'ten' is not known; known are 0, 1" in found.rejected[1].reason
    assert "cut off" in found.rejected[2].reason


def test_large_data_goes_in_batch_by_batch(make_parts: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "BATCH", 40)
    parts = make_parts()
    told: list[int] = []
    found = collect(
        parts.database,
        parts.blobs,
        parts.recipe("tens"),
        (item for item in [*tens.samples(100), Labelled(content=b"", label="1")]),
        author="ann",
        source="import",
        progress=told.append,
    )
    assert told == [40, 80, 101]
    assert found.added == 100
    assert [one.index for one in found.rejected] == [100]


def test_nothing_is_a_collection_too(make_parts: Make) -> None:
    assert bring(make_parts(), list(islice(tens.samples(), 0))) == Collected()
