"""Samples: added once, on one side for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from sightloop.store import samples, tables
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.samples import NewSample
from sightloop.values.sample import Place, Sample, Side, digest_of

UPLOADER = """
import itertools, os, sys
from sightloop.store import samples
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.samples import NewSample
from sightloop.values.sample import Side, digest_of
database, blobs = Database(sys.argv[1]), Blobs(sys.argv[2])
for turn in itertools.count():
    contents = [os.urandom(300) for _ in range(20)]
    places = blobs.pack(contents)
    with database.write() as c:
        samples.add(c, "digits", [
            NewSample(digest=digest_of(content), side=Side.TRAIN, place=place)
            for content, place in zip(contents, places)
        ])
    print(turn, flush=True)
"""


def new(content: bytes, side: Side = Side.TRAIN) -> NewSample:
    """A sample on its way in."""
    return NewSample(digest=digest_of(content), side=side, place=Place("b" * 64, 0, len(content)), origin="test")


def test_a_sample_is_added_once_and_keeps_its_side_and_place(database: Database) -> None:
    first, moved = new(b"a"), NewSample(digest=digest_of(b"a"), side=Side.TEST, place=Place("c" * 64, 7, 1))
    with database.write() as c:
        assert samples.add(c, "digits", [first, new(b"b")]) == {digest_of(b"a"), digest_of(b"b")}
    with database.write() as c:
        assert samples.add(c, "digits", [moved, new(b"c")]) == {digest_of(b"c")}
    with database.read() as c:
        assert samples.get(c, "digits", first.digest) == Sample(digest=first.digest, side=Side.TRAIN, place=first.place)


def test_the_same_sample_twice_in_one_call_is_one(database: Database) -> None:
    with database.write() as c:
        assert samples.add(c, "digits", [new(b"a"), new(b"a", Side.TEST)]) == {digest_of(b"a")}
    with database.read() as c:
        assert samples.count(c, "digits") == {"train": 1, "validation": 0, "test": 0}


def test_nothing_to_add_is_nothing(database: Database) -> None:
    with database.write() as c:
        assert samples.add(c, "digits", []) == set()


def test_projects_do_not_see_each_other(database: Database) -> None:
    with database.write() as c:
        samples.add(c, "digits", [new(b"a")])
        assert samples.add(c, "gestures", [new(b"a", Side.TEST)]) == {digest_of(b"a")}
        assert samples.known(c, "leaf", [digest_of(b"a")]) == set()
        assert samples.get(c, "leaf", digest_of(b"a")) is None
        assert samples.count(c, "gestures") == {"train": 0, "validation": 0, "test": 1}


def test_those_that_are_known_are_told_from_very_many(database: Database) -> None:
    wanted = [digest_of(str(number).encode()) for number in range(25_000)]
    with database.write() as c:
        samples.add(c, "digits", [new(b"3"), new(b"24999"), new(b"other")])
        assert samples.known(c, "digits", wanted) == {digest_of(b"3"), digest_of(b"24999")}
        assert samples.known(c, "digits", []) == set()


@pytest.mark.parametrize("side", list(Side))
def test_a_stored_sample_leads_to_its_content(
    database: Database, blobs: Blobs, label: Callable[..., list[str]], side: Side
) -> None:
    digests = label(b"some", b"contents", side=side)
    with database.read() as c:
        found = [samples.get(c, "digits", digest) for digest in digests]
    places = [sample.place for sample in found if sample is not None and sample.side is side]
    assert blobs.read_many(places, digests) == [b"some", b"contents"]


def test_an_uploader_that_is_killed_loses_nothing_that_it_had_confirmed(
    database: Database, database_url: str, blobs: Blobs, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", UPLOADER, database_url, f"file://{tmp_path}/blobs"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        confirmed = [int(process.stdout.readline()) for _ in range(10)]
        process.kill()
        confirmed += [int(line) for line in process.stdout if line.endswith("\n")]
    with database.read() as c:
        rows = c.execute(select(tables.samples)).all()
    assert len(rows) >= 20 * len(confirmed)
    contents = blobs.read_many([Place(row.blob, row.offset, row.length) for row in rows], [row.digest for row in rows])
    assert len(set(contents)) == len(rows)
    assert blobs.verify() == []
