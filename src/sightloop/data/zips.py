"""Zip archives as trees of files, read without unpacking; one that is made to do harm is refused before it is read."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from sightloop.data.trees import Tree
from sightloop.errors import BadData, TooLarge
from sightloop.values.zipped import WAYS, content

MOST_FILES = 1_000_000
LARGEST_FILE = 256 * 2**20
"""The most bytes of one file: it is held in memory."""
RATIO = 100
"""How many times its own size an archive may expand to: images hardly shrink, bombs shrink by a thousand."""
FREE = 64 * 2**20
"""Up to so many bytes any ratio will do."""

_ENCRYPTED = 0x1
_HEADER = 30  # bytes before each file, at least


def tree(file: Path | BinaryIO, root: str, *, most_bytes: int | None = None) -> Tree:
    """The files of a zip archive; `most_bytes` is what they may expand to together, beside the limits above.

    Raises BadData for what is no whole archive, and for names that lead out of it, links, encrypted, overlapping or
    doubled files; TooLarge for more files or bytes than the limits.
    """
    try:
        archive = ZipFile(file)
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadData(f"{root} is no whole zip archive: {error}", hint="Was it sent and written whole?") from error
    infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    for info in infos:
        _refuse_member(root, info)
    _refuse_bomb(root, infos, most_bytes)
    if len({info.filename for info in infos}) < len(infos):
        raise BadData(f"{root} holds several files of one name")
    return Tree.of(root, [info.filename for info in infos], lambda names: _contents(archive, root, names))


def _contents(archive: ZipFile, root: str, names: Sequence[str]) -> Iterator[bytes]:
    for name in names:
        try:
            yield content(archive, archive.getinfo(name))
        except BadZipFile as error:
            raise BadData(f"{name} in {root} is damaged: {error}", hint="Send or write the archive again.") from error


def _refuse_member(root: str, info: ZipInfo) -> None:
    parts = info.filename.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
        raise BadData(f"{root} holds a name that leads out of it", got=repr(info.filename))
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadData(f"{root} holds a link", expected="files", got=repr(info.filename))
    if info.flag_bits & _ENCRYPTED:
        raise BadData(f"{root} is encrypted", expected="an archive without a password", got=repr(info.filename))
    if info.compress_type not in WAYS:
        raise BadData(f"{root} is compressed in a way that is not taken", expected="deflate", got=repr(info.filename))
    if info.file_size > LARGEST_FILE:
        raise TooLarge(
            f"a file in {root} is too large",
            expected=f"at most {LARGEST_FILE:,} bytes",
            got=f"{info.file_size:,} bytes",
        )


def _refuse_bomb(root: str, infos: Sequence[ZipInfo], most_bytes: int | None) -> None:
    if len(infos) > MOST_FILES:
        raise TooLarge(f"{root} holds too many files", expected=f"at most {MOST_FILES:,}", got=f"{len(infos):,}")
    packed, whole = sum(info.compress_size for info in infos), sum(info.file_size for info in infos)
    most = max(FREE, RATIO * packed) if most_bytes is None else min(most_bytes, max(FREE, RATIO * packed))
    if whole > most:
        raise TooLarge(
            f"{root} expands to too much",
            expected=f"at most {most:,} bytes",
            got=f"{whole:,} bytes",
            hint="Send it in several parts.",
        )
    ends = sorted((info.header_offset, info.compress_size) for info in infos)
    for (offset, size), (following, _) in pairwise(ends):
        if offset + _HEADER + size > following:
            raise BadData(f"{root} holds files that overlap", hint="No honest program writes such archives.")
