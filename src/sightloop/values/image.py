"""A picture as pixels, and the one place where bytes become pixels, for training and for serving alike."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import cv2
import numpy as np
import PIL.Image
import PIL.ImageOps
from numpy.typing import NDArray

from sightloop.errors import BadImage, TooLarge
from sightloop.values import png

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
MAX_PIXELS = 178_956_970
"""The most pixels that any picture may have: Pillow opens no larger one. `SIGHTLOOP_MAX_IMAGE_PIXELS` asks for less."""
_ORIENTATION, _TURNED = 0x0112, range(5, 9)
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels as RGB: `pixels` is (height, width, 3) uint8."""

    pixels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Refuse anything but RGB bytes."""
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8 or not self.pixels.size:
            raise BadImage("not RGB pixels", expected="(height, width, 3) uint8", got=str(self.pixels.shape))

    def resized(self, height: int, width: int) -> NDArray[np.uint8]:
        """The pixels at another size, (height, width, 3) uint8: area averaging down, linear up."""
        if self.pixels.shape[:2] == (height, width):
            return self.pixels
        smaller = height < self.pixels.shape[0] or width < self.pixels.shape[1]
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(self.pixels, (width, height), interpolation=how), dtype=np.uint8)

    def padded(self, height: int, width: int, *, fill: int = 0, middle: bool = True) -> NDArray[np.uint8]:
        """The pixels with their shape kept, as large as (height, width, 3) holds, in the middle or at the top left.

        What they leave free is `fill`, a level of grey.
        """
        by = min(height / self.pixels.shape[0], width / self.pixels.shape[1])
        high, wide = (max(1, round(side * by)) for side in self.pixels.shape[:2])
        part = self.resized(high, wide)
        if (high, wide) == (height, width):
            return np.ascontiguousarray(part)
        top, left = ((height - high) // 2, (width - wide) // 2) if middle else (0, 0)
        canvas = np.full((height, width, 3), fill, np.uint8)
        canvas[top : top + high, left : left + wide] = part
        return canvas

    @classmethod
    def decode(cls, data: bytes, *, max_pixels: int = MAX_PIXELS, least: tuple[int, int] | None = None) -> Image:
        """The picture in the bytes of a JPEG, PNG, WebP or BMP file, upright (EXIF), transparency laid over white.

        `least` is a (height, width) that is enough: a larger JPEG may be read at a half, quarter or eighth, which is
        several times faster. Raises BadImage for bytes that are no whole picture and TooLarge, before a pixel is
        decoded, for one that declares more than `max_pixels`.
        """
        plain = png.plain_size(data)
        if plain is not None:  # whole, and not transparent
            _refuse_large(plain, max_pixels)
            return cls(_decoded(data, "PNG", cv2.IMREAD_COLOR))
        header = _header(data)
        _refuse_large(header.size, max_pixels)
        if "A" in header.mode or "transparency" in header.info:
            return cls(_over_white(header))
        _refuse_truncated(data, header)
        how = cv2.IMREAD_COLOR
        if least is not None and header.format == "JPEG":
            how = _REDUCED.get(_reduction(header.size, least), how)
        return cls(_decoded(data, header.format, how))

    @staticmethod
    def pixels_of(data: bytes) -> int:
        """The number of pixels that a file declares; none is decoded. Raises BadImage."""
        width, height = png.plain_size(data) or _header(data).size
        return width * height

    @staticmethod
    def size_of(data: bytes) -> tuple[int, int]:
        """The (width, height) that a file declares, upright (EXIF); no pixel is decoded. Raises BadImage."""
        header = _header(data)
        width, height = header.size
        return (height, width) if _orientation(data, header) in _TURNED else (width, height)

    def encode(self) -> bytes:
        """The picture as a PNG file: lossless, so that its pixels come back as they were."""
        done, data = cv2.imencode(".png", cv2.cvtColor(self.pixels, cv2.COLOR_RGB2BGR))
        if not done:
            raise BadImage("the pixels cannot be written as PNG")
        return data.tobytes()

    def as_jpeg(self, quality: int = 90) -> bytes:
        """The picture as a JPEG file, at a quality from 1 to 100."""
        wanted = [cv2.IMWRITE_JPEG_QUALITY, quality]
        done, data = cv2.imencode(".jpg", cv2.cvtColor(self.pixels, cv2.COLOR_RGB2BGR), wanted)
        if not done:
            raise BadImage("the pixels cannot be written as JPEG")
        return data.tobytes()


def _refuse_large(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise TooLarge(
            "the image has too many pixels",
            expected=f"at most {max_pixels:,} pixels",
            got=f"{width} x {height}",
            hint="Scale it down before sending it.",
        )


def _decoded(data: bytes, kind: str | None, how: int) -> NDArray[np.uint8]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise BadImage("the image cannot be decoded", hint="Is the file whole?") from error
    if pixels is None:
        raise BadImage("the image cannot be decoded", got=f"a damaged {kind}", hint="Is the file whole?")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _header(data: bytes) -> PIL.Image.Image:
    if not data:
        raise BadImage("the image is empty", expected="the bytes of an image", got="0 bytes")
    try:
        return PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except PIL.Image.DecompressionBombError as error:
        raise TooLarge("the image has too many pixels", got=str(error)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage("not an image", expected=f"one of {', '.join(FORMATS)}", got=_described(data)) from error


def _orientation(data: bytes, header: PIL.Image.Image) -> int:
    """How a file says that it is turned. What says so wrongly counts as upright, as it does for who decodes it."""
    exif = PIL.Image.Exif()
    try:
        # Pillow would decode a PNG to find its last chunks.
        exif.load(_exif_of_png(data) if header.format == "PNG" else header.info.get("exif", b""))
        return int(exif.get(_ORIENTATION, 1))
    except (OSError, ValueError, TypeError, SyntaxError, struct.error):
        return 1


def _exif_of_png(data: bytes) -> bytes:
    at = len(png.SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf":
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""


def _described(data: bytes) -> str:
    return f"{len(data)} bytes beginning with {data[:8]!r}"


def _reduction(size: tuple[int, int], least: tuple[int, int]) -> int:
    """The largest of 1, 2, 4, 8 that leaves both sides as long as the longer side wanted, however it is turned."""
    ratio = min(size) // max(least)
    return next((by for by in (8, 4, 2) if ratio >= by), 1)


def _over_white(header: PIL.Image.Image) -> NDArray[np.uint8]:
    try:
        upright = PIL.ImageOps.exif_transpose(header).convert("RGBA")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage("the image cannot be decoded", got=str(error), hint="Is the file whole?") from error
    white = PIL.Image.new("RGBA", upright.size, "white")
    return np.asarray(PIL.Image.alpha_composite(white, upright).convert("RGB"), dtype=np.uint8)


_ENDS = {"JPEG": b"\xff\xd9", "PNG": png.END}


def _refuse_truncated(data: bytes, header: PIL.Image.Image) -> None:
    """OpenCV fills what is missing with grey, so a file without its end is read once more by Pillow, which does not."""
    end = _ENDS.get(header.format or "")
    if end is not None and data.endswith(end):
        return
    try:
        header.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage("the image is cut off or damaged", got=str(error), hint="Send the whole file.") from error
