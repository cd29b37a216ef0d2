"""Zip archives are read where they lie, and those made to do harm are refused."""

from __future__ import annotations

import io
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
from tests.data.painted import picture

from sightloop.data import sources, zips
from sightloop.errors import BadData, SightloopError, TooLarge
from sightloop.values.sample import Side


def packed(fill: Callable[[ZipFile], None], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of an archive."""
    file = io.BytesIO()
    with ZipFile(file, "w", how) as archive:
        fill(archive)
    return file.getvalue()


def refused(data: bytes, **limits: int) -> SightloopError:
    with pytest.raises(SightloopError) as caught:
        zips.tree(io.BytesIO(data), "x.zip", **limits)
    return caught.value


def test_an_archive_of_class_folders_with_sides_and_a_folder_around_them(tmp_path: Path) -> None:
    def fill(archive: ZipFile) -> None:
        archive.mkdir("set")
        for number, side in enumerate(("train", "val", "test")):
            archive.writestr(f"set/{side}/cat/a.png", picture(number))
        archive.writestr("__MACOSX/set/train/cat/._a.png", b"junk")

    path = tmp_path / "set.zip"
    path.write_bytes(packed(fill))
    found = list(sources.read(path))
    assert {(item.label, item.side) for item in found} == {("cat", side) for side in Side}
    assert found[0].origin == f"{path}/set/test/cat/a.png"


@pytest.mark.parametrize("name", ["../a.png", "cat/../../a.png", "/etc/a.png", "C:/a.png", "..\\a.png"])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    error = refused(packed(lambda archive: archive.writestr(ZipInfo(name), b"x")))
    assert isinstance(error, BadData)
    assert "leads out of it" in error.message


def test_a_link_is_refused() -> None:
    link = ZipInfo("cat/a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "holds a link" in refused(packed(lambda archive: archive.writestr(link, "/etc/passwd"))).message


def test_a_bomb_is_refused_by_what_it_declares() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.bmp", bytes(zips.FREE + 1)))
    assert len(data) < 100_000
    error = refused(data)
    assert isinstance(error, TooLarge)
    assert "expands to too much" in error.message


def test_a_limit_of_the_callers_counts_too() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.bmp", bytes(2000)))
    assert "expands to too much" in refused(data, most_bytes=1999).message
    assert zips.tree(io.BytesIO(data), "x.zip", most_bytes=2000).names == ("cat/a.bmp",)


def test_a_file_that_hides_its_size_gives_no_more_than_it_declares() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.bmp", bytes(1000)))
    lying = data.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(BadData, match=r"cat/a\.bmp in x\.zip is damaged"):
        zips.tree(io.BytesIO(lying), "x.zip").read("cat/a.bmp")


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_can_only_be_expanded_whole_is_refused(how: int) -> None:
    error = refused(packed(lambda archive: archive.writestr("cat/a.bmp", bytes(1000)), how))
    assert "compressed in a way that is not taken" in error.message


def test_a_bomb_that_hides_its_size_takes_no_memory() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.bmp", bytes(16 * 2**20)))
    lying = data.replace((16 * 2**20).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    tree = zips.tree(io.BytesIO(lying), "x.zip")
    tracemalloc.start()
    try:
        with pytest.raises(BadData, match=r"cat/a\.bmp in x\.zip is damaged"):
            tree.read("cat/a.bmp")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_files_that_share_their_bytes_are_refused() -> None:
    def fill(archive: ZipFile) -> None:
        archive.writestr("cat/a.png", picture(1))
        archive.writestr("cat/b.png", picture(2))
        archive.filelist[1].header_offset = archive.filelist[0].header_offset + 1

    assert "overlap" in refused(packed(fill)).message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    def fill(archive: ZipFile) -> None:
        archive.writestr("cat/a.png", picture(1))
        archive.writestr("cat/a.png", picture(2))

    assert "several files of one name" in refused(packed(fill)).message


def test_encrypted_cut_and_damaged_archives_are_told() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.png", picture(1)), zipfile.ZIP_STORED)
    assert "no whole zip archive" in refused(data[:-30]).message
    assert "no whole zip archive" in refused(b"no zip").message
    local, central = data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8
    secret = bytearray(data)
    secret[local] |= 1
    secret[central] |= 1
    assert "is encrypted" in refused(bytes(secret)).message
    damaged = data.replace(b"IHDR", b"XXXX")
    with pytest.raises(BadData, match=r"cat/a\.png in x\.zip is damaged"):
        zips.tree(io.BytesIO(damaged), "x.zip").read("cat/a.png")


def test_what_its_headers_say_cannot_be_is_told() -> None:
    data = packed(lambda archive: archive.writestr("cat/a.png", picture(1)))
    tree = zips.tree(io.BytesIO(data[5:]), "x.zip")  # its places are before the beginning
    with pytest.raises(BadData, match=r"cat/a\.png in x\.zip is damaged"):
        tree.read("cat/a.png")
    strong = bytearray(data)
    for flags in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        strong[flags] |= 0x40
    with pytest.raises(BadData, match=r"cat/a\.png in x\.zip is damaged"):
        zips.tree(io.BytesIO(bytes(strong)), "x.zip").read("cat/a.png")
    assert "leads out of it" in refused(packed(lambda archive: archive.writestr(ZipInfo("\0"), b"x"))).message


def test_too_many_and_too_large_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(archive: ZipFile) -> None:
        for number in range(3):
            archive.writestr(f"cat/{number}.png", picture(number))

    monkeypatch.setattr(zips, "MOST_FILES", 2)
    assert "too many files" in refused(packed(fill)).message
    monkeypatch.setattr(zips, "LARGEST_FILE", 10)
    assert "is too large" in refused(packed(fill)).message
