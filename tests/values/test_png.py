"""PNG files so plain that their size is read without a parser: it says what Pillow says, or leaves the file to it."""

from __future__ import annotations

import io
import zlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightloop.errors import BadImage, TooLarge
from sightloop.values.image import Image
from sightloop.values.png import plain_size

RAMP = np.linspace(0, 255, 30 * 40 * 3).reshape(30, 40, 3).astype(np.uint8)


def written(mode: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(RAMP).convert(mode).save(buffer, "PNG", **options)
    return buffer.getvalue()


def changed(at: int, value: int) -> bytes:
    """A plain file with another byte in its header, whose checksum is right again."""
    data = bytearray(written("RGB"))
    data[at] = value
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_size_of_a_plain_file(mode: str) -> None:
    assert plain_size(written(mode)) == (40, 30)
    as_pillow = PIL.Image.fromarray(RAMP).convert(mode).convert("RGB")
    assert (Image.decode(written(mode)).pixels == np.asarray(as_pillow)).all()


@pytest.mark.parametrize(
    "data",
    [*map(written, ("P", "RGBA", "LA", "1")), written("RGB", transparency=(0, 0, 0)), b"", b"\x89PNG"],
)
def test_other_files_are_left_to_pillow(data: bytes) -> None:
    assert plain_size(data) is None


def with_exif() -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return written("RGB", exif=exif)


def test_a_turned_file_is_read_upright() -> None:
    assert Image.size_of(with_exif()) == (30, 40)


@pytest.mark.parametrize("at", [8, 12, 24, 25, 26, 27, 28, 29, 37])
def test_a_damaged_header_is_not_plain(at: int) -> None:
    data = bytearray(written("RGB"))
    data[at] ^= 0x41
    assert plain_size(bytes(data)) is None


@pytest.mark.parametrize("at", [16, 20])
def test_more_pixels_than_are_allowed_are_refused_undecoded(at: int) -> None:
    data = changed(at, 0x70)
    assert plain_size(data) is not None
    with pytest.raises(TooLarge):
        Image.decode(data)


@pytest.mark.parametrize("cut", [1, 8, 12, 60])
def test_a_file_without_its_end_is_not_plain_and_is_refused(cut: int) -> None:
    data = written("RGB")[:-cut]
    assert plain_size(data) is None
    if cut > 12:  # Pillow needs no more than all pixels
        with pytest.raises(BadImage):
            Image.decode(data)


@given(st.integers(8, 60), st.integers(0, 255))
def test_the_size_is_the_one_that_pillow_reads(at: int, value: int) -> None:
    data = bytearray(written("L"))
    data[at] = value
    found = plain_size(bytes(data))
    assert found is None or found == PIL.Image.open(io.BytesIO(data)).size
