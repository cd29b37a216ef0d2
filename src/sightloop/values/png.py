"""The beginning and the end of a PNG file, for those so plain that no parser is needed to know their size."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND\xaeB`\x82"
_HEADER = struct.Struct(">8s I4sIIBBBBB I I4s")
_EIGHT_BITS, _GREY, _RGB = 8, 0, 2


def plain_size(data: bytes) -> tuple[int, int] | None:
    """The (width, height) of a whole PNG of eight bits, grey or RGB, whose pixels follow right after its header.

    So it has no palette, no transparency and no turn to be read first. None for any other file, also for one whose
    header is damaged: Pillow reads those.
    """
    if len(data) < _HEADER.size or not data.endswith(END):
        return None
    start, length, kind, width, height, bits, colour, *ways, checksum, _, following = _HEADER.unpack_from(data)
    plain = (
        start == SIGNATURE
        and (length, kind, following) == (13, b"IHDR", b"IDAT")
        and bits == _EIGHT_BITS
        and colour in (_GREY, _RGB)
        and not any(ways)  # compression, filter and interlacing of the first kind
        and width > 0 < height
        and checksum == zlib.crc32(data[12:29])
    )
    return (width, height) if plain else None
