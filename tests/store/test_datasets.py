"""Dataset versions: the same content is the same version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sightloop.errors import BadData, NotFound
from sightloop.store import annotations as labels
from sightloop.store import datasets
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.values.annotation import Annotation
from sightloop.values.dataset import DatasetVersion
from sightloop.values.moment import new_id, now
from sightloop.values.sample import Side

CLASSES = ("0", "1")


@pytest.fixture
def freeze(database: Database, blobs: Blobs) -> Callable[[], DatasetVersion]:
    """Freezes the digits."""

    def now_() -> DatasetVersion:
        return datasets.freeze(database, blobs, "digits", CLASSES)

    return now_


def test_a_version_holds_every_sample_with_the_label_that_counts(
    database: Database, blobs: Blobs, label: Callable[..., list[str]], freeze: Callable[[], DatasetVersion]
) -> None:
    noughts = label(b"a", b"b", label="0")
    (held_out,) = label(b"c", label="1", side=Side.TEST)
    label(b"d", label="1")
    label(b"e", label="0", project="gestures")
    with database.write() as c:
        said = Annotation(id=new_id(), sample=noughts[0], label="1", author="bob", source="feedback", at=now())
        labels.add(c, "digits", [said])
    version = freeze()
    assert (version.number, version.counts) == (1, {"train": 3, "validation": 0, "test": 1})
    with database.read() as c:
        manifest = datasets.manifest(c, blobs, "digits", 1)
        assert datasets.get(c, "digits", 1) == version
    assert (manifest.project, manifest.classes, len(manifest.entries)) == ("digits", CLASSES, 4)
    assert {entry.digest: entry.label for entry in manifest.entries}[noughts[0]] == "1"
    assert [entry.digest for entry in manifest.on(Side.TEST)] == [held_out]
    entries = manifest.on(Side.TRAIN)
    assert sorted(blobs.read_many([e.place for e in entries], [e.digest for e in entries])) == [b"a", b"b", b"d"]


def test_the_same_content_is_the_same_version_again(
    database: Database, label: Callable[..., list[str]], freeze: Callable[[], DatasetVersion]
) -> None:
    (first,) = label(b"a", label="0")
    label(b"b", label="1")
    one = freeze()
    assert freeze() == one
    label(b"c", label="1")
    two = freeze()
    assert two.number == 2
    with database.write() as c:
        same = Annotation(id=new_id(), sample=first, label="0", author="bob", source="feedback", at=now())
        labels.add(c, "digits", [same])
    assert freeze() == two
    with database.read() as c:
        assert list(datasets.list(c, "digits")) == [two, one]
        assert list(datasets.list(c, "gestures")) == []


def test_others_write_while_a_slow_store_takes_the_manifest(
    database: Database, tmp_path: Path, label: Callable[..., list[str]]
) -> None:
    class Slow(Blobs):
        def put(self, data: bytes) -> str:
            label(b"c", label="1")
            return super().put(data)

    label(b"a", label="0")
    label(b"b", label="1")
    assert datasets.freeze(database, Slow(f"file://{tmp_path}/blobs"), "digits", CLASSES).counts["train"] == 2


def test_labels_that_are_no_class_are_left_out(
    label: Callable[..., list[str]], freeze: Callable[[], DatasetVersion]
) -> None:
    label(b"a", label="0")
    label(b"b", label="1")
    label(b"c", label="no digit")
    assert freeze().counts["train"] == 2


def test_nothing_labelled_cannot_be_frozen(freeze: Callable[[], DatasetVersion]) -> None:
    with pytest.raises(BadData, match="no labelled samples"):
        freeze()


def test_a_class_without_a_training_sample_is_named(
    label: Callable[..., list[str]], freeze: Callable[[], DatasetVersion]
) -> None:
    label(b"a", label="0")
    label(b"b", label="1", side=Side.VALIDATION)
    with pytest.raises(BadData, match="no training sample of 1"):
        freeze()


def test_an_unknown_version_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound), database.read() as c:
        datasets.get(c, "digits", 1)
