"""A dataset version as one tar file."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from sightloop.data import archives, sources
from sightloop.errors import BadData
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Place, Side, digest_of

CONTENTS = sorted((f"content {number}".encode() for number in range(20)), key=digest_of)


def manifest(blob: str = "b" * 64, label: str = "0") -> Manifest:
    entries = (
        Entry(digest=digest_of(content), label=label, side=list(Side)[place % 3], place=Place(blob, place, 9))
        for place, content in enumerate(CONTENTS)
    )
    return Manifest(project="digits", classes=("0", "1"), entries=tuple(entries))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of twenty contents."""
    path = tmp_path / "one.tar"
    archives.write(manifest(), CONTENTS, path)
    return path


def test_the_same_samples_give_the_same_bytes_wherever_they_lay(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "two.tar"
    archives.write(manifest(blob="c" * 64), CONTENTS, other)
    assert archive.read_bytes() == other.read_bytes()
    # What these very contents gave when this test was written: another release must give it too.
    assert (
        hashlib.sha256(archive.read_bytes()).hexdigest()
        == "06b486ffba0e2803c604b37386762cf287567014c370d050bffb39e5b8fa9950"
    )


def test_another_label_gives_other_bytes(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "two.tar"
    archives.write(manifest(label="1"), CONTENTS, other)
    assert archive.read_bytes() != other.read_bytes()
    with pytest.raises(BadData, match="does not hold what its manifest says"):
        archives.check(other, manifest())


def test_an_archive_is_read_back_with_labels_and_sides(archive: Path) -> None:
    archives.check(archive, manifest())
    found = list(sources.read(archive))
    assert [item.content for item in found] == CONTENTS
    assert [item.side for item in found] == [entry.side for entry in manifest().entries]


def test_one_edited_byte_is_found(archive: Path) -> None:
    whole = archive.read_bytes()
    edited = whole.replace(b"content 7", b"content X")
    assert edited != whole
    archive.write_bytes(edited)
    with pytest.raises(BadData, match="was altered"):
        archives.check(archive, manifest())


def test_a_file_that_declares_zeros_without_holding_them_is_refused(archive: Path) -> None:
    member = tarfile.TarInfo(archives.INDEX)
    member.pax_headers = {"GNU.sparse.size": str(2**40), "GNU.sparse.map": "0,0"}
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as made:
        made.addfile(member, io.BytesIO())
    with pytest.raises(BadData, match="is no archive of a dataset version"):
        archives.check(archive, manifest())


def test_an_index_that_is_no_text_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes().replace(b"digits", b"digit\xff"))
    with pytest.raises(BadData, match="is no whole archive"):
        archives.check(archive, manifest())


@pytest.mark.parametrize("kept", [0, 300, 2000, 12_000])
def test_a_cut_archive_is_refused(archive: Path, kept: int) -> None:
    archive.write_bytes(archive.read_bytes()[:kept])
    with pytest.raises(BadData):
        archives.check(archive, manifest())
