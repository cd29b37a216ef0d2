"""Images: bytes become upright RGB pixels, or a clear refusal."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from sightloop.errors import BadImage, TooLarge
from sightloop.values.image import Image


def picture(height: int = 30, width: int = 40) -> PIL.Image.Image:
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    return PIL.Image.fromarray(ramp)


def encoded(image: PIL.Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def declared(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless_formats_come_back_exactly(kind: str) -> None:
    assert (Image.decode(encoded(picture(), kind)).pixels == np.asarray(picture())).all()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(kind: str) -> None:
    pixels = Image.decode(encoded(picture(), kind, quality=95)).pixels.astype(int)
    assert np.abs(pixels - np.asarray(picture())).mean() < 6


def test_what_encode_writes_decode_reads() -> None:
    image = Image(np.asarray(picture()))
    assert (Image.decode(image.encode()).pixels == image.pixels).all()


def test_grey_palette_and_sixteen_bits_become_rgb() -> None:
    grey = picture().convert("L")
    for image in (grey, grey.convert("P"), PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)):
        pixels = Image.decode(encoded(image, "PNG")).pixels
        assert pixels.shape == (30, 40, 3)
        assert (pixels[..., 0] == pixels[..., 2]).all()


def test_transparency_is_laid_over_white() -> None:
    drawing = PIL.Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    drawing.putpixel((3, 3), (0, 0, 0, 255))
    pixels = Image.decode(encoded(drawing, "PNG")).pixels
    assert pixels[3, 3].tolist() == [0, 0, 0]
    assert pixels[0, 0].tolist() == [255, 255, 255]


def test_an_image_is_turned_upright() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(30, 40), "JPEG", exif=exif)
    assert Image.decode(data).pixels.shape == (40, 30, 3)
    assert Image.decode(data, least=(4, 4)).pixels.shape[0] > Image.decode(data, least=(4, 4)).pixels.shape[1]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_size_is_told_as_the_picture_stands(kind: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture(30, 40), kind, exif=exif)
    assert Image.size_of(data) == (30, 40)
    assert Image.decode(data).pixels.shape == (40, 30, 3)
    assert Image.size_of(encoded(picture(30, 40), kind)) == (40, 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage!", b"Exif\0\0II"])
def test_a_broken_note_on_the_orientation_counts_as_upright(kind: str, exif: bytes) -> None:
    assert Image.size_of(encoded(picture(30, 40), kind, exif=exif)) == (40, 30)


def test_no_pixel_is_decoded_for_the_size() -> None:
    assert Image.size_of(declared(9000, 8000)) == (9000, 8000)
    assert Image.size_of(encoded(picture(300, 400), "PNG")[:2000]) == (400, 300)


def test_a_large_jpeg_is_read_reduced_but_never_below_what_is_wanted() -> None:
    data = encoded(picture(1024, 2048), "JPEG")
    assert Image.decode(data, least=(128, 128)).pixels.shape == (128, 256, 3)
    assert Image.decode(data, least=(200, 200)).pixels.shape == (256, 512, 3)
    assert Image.decode(data, least=(900, 900)).pixels.shape == (1024, 2048, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    noise = PIL.Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8))
    data = encoded(noise, kind)
    with pytest.raises(BadImage):
        Image.decode(data[: int(len(data) * share)])


def test_bytes_after_the_end_do_no_harm() -> None:
    assert Image.decode(encoded(picture(), "JPEG") + b"\0" * 64).pixels.shape == (30, 40, 3)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.4", b"GIF89a", b"<svg/>", b"\xff\xd8\xff"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        Image.decode(data)


@pytest.mark.parametrize("size", [(20_000, 10_000), (100_000, 100_000), (2**31 - 1, 1), (0, 5)])
def test_a_bomb_is_refused_before_a_pixel_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises((TooLarge, BadImage)):
        Image.decode(declared(*size))


def test_resizing_gives_the_size_asked_for() -> None:
    image = Image(np.asarray(picture()))
    for height, width in ((30, 40), (28, 28), (60, 10), (224, 224)):
        assert image.resized(height, width).shape == (height, width, 3)
    assert image.resized(30, 40) is image.pixels


@pytest.mark.parametrize("middle", [True, False])
def test_padding_keeps_every_pixel_and_its_place(middle: bool) -> None:
    pixels = np.asarray(picture())  # 30 x 40
    padded = Image(pixels).padded(50, 40, fill=114, middle=middle)
    top = 10 if middle else 0
    np.testing.assert_array_equal(padded[top : top + 30], pixels)
    assert (np.delete(padded, np.s_[top : top + 30], axis=0) == 114).all()
    assert Image(pixels[:1]).padded(8, 8).shape == (8, 8, 3)


def test_only_rgb_bytes_are_an_image() -> None:
    with pytest.raises(BadImage, match="RGB"):
        Image(np.zeros((3, 3), np.uint8))
