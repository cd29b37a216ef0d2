"""Blobs: named by their content, whole or refused."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from sightloop.errors import BadData, BadInput, MissingExtra, NotFound
from sightloop.store import blobs as module
from sightloop.store.blobs import Blobs
from sightloop.values.sample import Place, digest_of


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """An empty store on each kind of file system."""
    return Blobs(f"file://{tmp_path}/blobs" if request.param == "file" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def damage(tmp_path: Path) -> Callable[[str, bytes], None]:
    """Overwrites a blob of the store in the test's folder."""

    def write(digest: str, data: bytes) -> None:
        (tmp_path / "blobs" / digest[:2] / digest).write_bytes(data)

    return write


def test_a_blob_is_named_by_its_content_and_comes_back(store: Blobs) -> None:
    digest = store.put(b"seven")
    assert digest == digest_of(b"seven")
    assert store.exists(digest)
    assert store.get(digest) == b"seven"
    assert store.put(b"seven") == digest
    assert store.verify() == []


def test_what_is_not_there_is_not_found(store: Blobs) -> None:
    missing = digest_of(b"missing")
    assert not store.exists(missing)
    with pytest.raises(NotFound, match=missing):
        store.get(missing)
    with pytest.raises(NotFound, match=missing):
        store.read(Place(missing, 0, 1))


def test_a_store_that_cannot_be_had_says_why() -> None:
    with pytest.raises(BadInput, match="nonsense"):
        Blobs("nonsense://bucket/folder")
    with pytest.raises(MissingExtra, match="adlfs"):
        Blobs("abfs://bucket/folder")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ABCDEF", "a" * 63, "a" * 65])
def test_a_name_that_is_no_digest_leads_nowhere(store: Blobs, name: str) -> None:
    with pytest.raises(NotFound):
        store.get(name)


def test_an_altered_blob_is_named_and_not_given_out(blobs: Blobs, damage: Callable[[str, bytes], None]) -> None:
    good, bad = blobs.put(b"good"), blobs.put(b"bad")
    damage(bad, b"BAD")
    with pytest.raises(BadData, match=bad):
        blobs.get(bad)
    assert blobs.verify() == [bad]
    assert blobs.get(good) == b"good"


def test_putting_an_altered_blob_again_mends_it(blobs: Blobs, damage: Callable[[str, bytes], None]) -> None:
    digest = blobs.put(b"content")
    damage(digest, b"conten")
    assert blobs.put(b"content") == digest
    assert blobs.get(digest) == b"content"


def test_packed_contents_come_back_from_their_places(store: Blobs) -> None:
    contents = [os.urandom(size) for size in (10, 0, 500, 1)]
    places = store.pack(contents)
    assert len({place.blob for place in places}) == 1
    assert [store.read(place) for place in places] == contents
    assert store.read_many(places[::-1]) == contents[::-1]
    assert store.read_many(places[2:]) == contents[2:]
    assert store.pack([]) == []
    assert store.read_many([]) == []


def test_a_pack_of_one_content_is_that_content(store: Blobs) -> None:
    assert store.pack([b"alone"]) == [Place(digest_of(b"alone"), 0, 5)]


def test_contents_too_large_for_one_blob_take_several(store: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACK_BYTES", 100)
    contents = [os.urandom(60), os.urandom(40), os.urandom(300), b"end"]
    places = store.pack(contents)
    assert len({place.blob for place in places}) == 3
    assert store.read_many(places, [digest_of(content) for content in contents]) == contents


def test_a_content_altered_inside_a_pack_is_found_by_its_own_digest(
    blobs: Blobs, damage: Callable[[str, bytes], None]
) -> None:
    contents = [b"one", b"two"]
    places, digests = blobs.pack(contents), [digest_of(content) for content in contents]
    damage(places[0].blob, b"oneTWO")
    assert blobs.read(places[0], digests[0]) == b"one"
    with pytest.raises(BadData, match=places[1].blob):
        blobs.read(places[1], digests[1])
    with pytest.raises(BadData, match=places[1].blob):
        blobs.read_many(places, digests)


def test_a_pack_that_was_cut_off_is_found_out_without_a_digest(
    blobs: Blobs, damage: Callable[[str, bytes], None]
) -> None:
    places = blobs.pack([b"one", b"two"])
    damage(places[0].blob, b"onetw")
    with pytest.raises(BadData, match="cut off"):
        blobs.read(places[1])


def test_a_write_that_was_broken_off_leaves_no_blob_and_no_litter(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.put(b"first")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _full_disk)
        with pytest.raises(OSError, match="No space"):
            blobs.put(b"second")
    assert not blobs.exists(digest_of(b"second"))
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []
    assert blobs.verify() == []


def _full_disk(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_many_threads_put_the_same_and_other_blobs(store: Blobs) -> None:
    def put() -> None:
        for number in range(20):
            store.put(str(number).encode() * 1000)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.verify() == []
    assert all(store.exists(digest_of(str(number).encode() * 1000)) for number in range(20))


def test_sixty_thousand_small_contents_are_packed_and_read_in_seconds(blobs: Blobs) -> None:
    contents = [os.urandom(300) for _ in range(60_000)]
    digests = [digest_of(content) for content in contents]
    start = perf_counter()
    places = [place for first in range(0, 60_000, 2000) for place in blobs.pack(contents[first : first + 2000])]
    assert blobs.read_many(places, digests) == contents
    assert perf_counter() - start < 10
