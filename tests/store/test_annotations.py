"""Annotations: added, never changed; the newest counts."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest
from tests.labels import counting

from sightloop.errors import BadData
from sightloop.store import annotations as labels
from sightloop.store import predictions
from sightloop.store.database import Database
from sightloop.store.predictions import Recorded
from sightloop.values.annotation import Annotation
from sightloop.values.box import Box
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Detections
from sightloop.values.sample import digest_of


def say(sample: str, label: str, **fields: str) -> Annotation:
    """A person's word on a sample."""
    values = {"id": new_id(), "author": "bob", "source": "feedback", "at": now()} | fields
    return Annotation(sample=sample, label=label, **values)  # type: ignore[arg-type]


def test_the_newest_annotation_counts_and_the_others_stay(database: Database, label: Callable[..., list[str]]) -> None:
    seven, two = label(b"seven", b"two", label="1")
    corrections = [say(seven, "7", prediction=new_id()), say(two, "3"), say(two, "2")]
    with database.write() as c:
        labels.add(c, "digits", corrections)
    with database.read() as c:
        assert counting(c, "digits") == {seven: "7", two: "2"}
        assert [said.label for said in labels.history(c, "digits", two)] == ["1", "3", "2"]
        assert labels.history(c, "digits", seven)[1] == corrections[0]


def test_a_correction_counts_although_the_clock_of_the_label_before_was_ahead(
    database: Database, label: Callable[..., list[str]]
) -> None:
    (digest,) = label(b"seven", label="1")
    hour = 3_600_000 << 80
    ahead = say(digest, "2", id=str(UUID(int=UUID(new_id()).int + hour)))
    for said in ([ahead], [say(digest, "3"), say(digest, "7")], [ahead]):
        with database.write() as c:
            labels.add(c, "digits", said)
    with database.read() as c:
        assert counting(c, "digits") == {digest: "7"}
        assert [said.label for said in labels.history(c, "digits", digest)] == ["1", "2", "3", "7"]


def test_an_annotation_of_a_sample_that_is_not_there_is_refused(
    database: Database, label: Callable[..., list[str]]
) -> None:
    label(b"known", project="gestures")
    with pytest.raises(BadData, match="digits"), database.write() as c:
        labels.add(c, "digits", [say(digest_of(b"known"), "7")])


def test_the_same_annotation_is_added_once(database: Database, label: Callable[..., list[str]]) -> None:
    (digest,) = label(b"seven")
    again = say(digest, "7")
    for _ in range(2):
        with database.write() as c:
            labels.add(c, "digits", [again, again])
    with database.read() as c:
        assert [said.label for said in labels.history(c, "digits", digest)] == ["0", "7"]


def test_samples_labelled_since_a_moment_are_counted_once_each(
    database: Database, label: Callable[..., list[str]]
) -> None:
    old, new = label(b"old", at="2026-01-01T00:00:00.000000+00:00") + label(b"new")
    with database.write() as c:
        labels.add(c, "digits", [say(new, "1"), say(new, "2")])
    with database.read() as c:
        assert labels.count_since(c, "digits", None) == 2
        assert labels.count_since(c, "digits", "2026-01-01T00:00:00.000000+00:00") == 1
        assert labels.count_since(c, "digits", now()) == 0
        assert labels.count_since(c, "gestures", None) == 0
    with database.write() as c:
        labels.add(c, "digits", [say(old, "5")])
        assert labels.count_since(c, "digits", "2026-01-01T00:00:00.000000+00:00") == 2


def test_corrections_with_boxes_are_right_where_the_boxes_agree(
    database: Database, label: Callable[..., list[str]]
) -> None:
    (digest,) = label(b"pitch")
    box = Box(label="ball", x1=10, y1=10, x2=20, y2=20)
    found = Detections(boxes=[box], width=100, height=100)
    with database.write() as c:
        for boxes in ((box,), (msgspec.structs.replace(box, x2=22),), (), (box, box)):
            made = Recorded(id=new_id(), project="digits", version=1, answer=found, at=now())
            predictions.add_many(c, [made])
            told = msgspec.structs.replace(say(digest, "", prediction=made.id), boxes=boxes)
            labels.add(c, "digits", [told])
    with database.read() as c:
        assert labels.judged(c, "digits", None, 10) == [False, False, True, True]
