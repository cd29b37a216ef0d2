"""Blobs: bytes named by their SHA-256, written once, in a folder or a bucket (fsspec).

Many small contents share one blob, a pack, and are found in it by their place. A blob is on the disk, under its name
and whole, before any row that names it is committed; a crash leaves at most a blob that no row names.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from sightloop.errors import BadData, BadInput, MissingExtra, NotFound
from sightloop.values.sample import Place, digest_of

PACK_BYTES = 64 * 2**20
_NAME = re.compile(r"[0-9a-f]{64}")
_CHUNK = 2**20


class Blobs:
    """The blob store at an fsspec URL (`file://`, `memory://`, `s3://`); threads and processes share it."""

    def __init__(self, url: str) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise MissingExtra(f"the blob store {url} needs a further package: {error}") from error
        except ValueError as error:
            raise BadInput(f"the blob store {url} cannot be used: {error}") from error

    def put(self, data: bytes) -> str:
        """Keep the bytes; their name. Bytes that are there, whole, are not written again."""
        digest = digest_of(data)
        path = self._path(digest)
        if not (self._files.exists(path) and self._digest(path) == digest):
            self._write(path, data)
        return digest

    def get(self, digest: str) -> bytes:
        """The blob of this name, checked. Raises NotFound, and BadData where it was altered."""
        data = self._cat(digest)
        _check(data, digest, f"blob {digest}")
        return data

    def exists(self, digest: str) -> bool:
        """Whether a blob of this name is there; says nothing of its content."""
        return bool(self._files.exists(self._path(digest)))

    def pack(self, contents: Sequence[bytes]) -> list[Place]:
        """Keep many contents in few blobs (of up to 64 MB each, or one content); the place of each, in order."""
        return [place for group in _grouped(contents) for place in self._pack(group)]

    def read(self, place: Place, digest: str | None = None) -> bytes:
        """The bytes at a place, checked against their own digest if it is given. Raises NotFound and BadData."""
        data = self._cat(place.blob, place.offset, place.offset + place.length)
        _check_place(data, place, digest)
        return data

    def read_many(self, places: Sequence[Place], digests: Sequence[str] | None = None) -> list[bytes]:
        """The bytes at many places, in order; each blob is read once, from the first place in it to the last."""
        found: dict[Place, bytes] = {}
        for blob, group in _by_blob(places).items():
            start = min(place.offset for place in group)
            data = self._cat(blob, start, max(place.offset + place.length for place in group))
            found.update((place, data[place.offset - start : place.offset - start + place.length]) for place in group)
        for place, digest in zip(places, digests or itertools.repeat(None, len(places)), strict=True):
            _check_place(found[place], place, digest)
        return [found[place] for place in places]

    def verify(self) -> list[str]:
        """The names of all blobs whose content is no longer theirs."""
        return sorted(digest for digest, path in self._all() if self._digest(path) != digest)

    def _path(self, digest: str) -> str:
        # Also what keeps a name from a request from leaving the folder.
        if not _NAME.fullmatch(digest):
            raise NotFound("no such blob", expected="64 hexadecimal digits", got=digest[:80])
        return f"{self._root}/{digest[:2]}/{digest}"

    def _cat(self, digest: str, start: int | None = None, end: int | None = None) -> bytes:
        if start is not None and start == end:
            return b""  # a range that a bucket cannot be asked for
        try:
            return bytes(self._files.cat_file(self._path(digest), start=start, end=end))
        except FileNotFoundError as error:
            raise NotFound(f"blob {digest} is not in the store") from error

    def _pack(self, contents: Sequence[bytes]) -> Iterator[Place]:
        blob, offset = self.put(b"".join(contents)), 0
        for content in contents:
            yield Place(blob, offset, len(content))
            offset += len(content)

    def _digest(self, path: str) -> str:
        sha = hashlib.sha256()
        with self._files.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                sha.update(chunk)
        return sha.hexdigest()

    def _all(self) -> Iterator[tuple[str, str]]:
        for path in self._files.find(self._root):
            digest = path.rsplit("/", 1)[-1]
            if _NAME.fullmatch(digest):
                yield digest, path

    def _write(self, path: str, data: bytes) -> None:
        if isinstance(self._files, LocalFileSystem):
            _write_durably(Path(self._root) / "incoming", Path(path), data)
        else:
            # An object store shows an object when it is whole.
            self._files.pipe_file(path, data)


def _write_durably(incoming: Path, path: Path, data: bytes) -> None:
    for folder in (incoming, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    written = incoming / uuid.uuid4().hex
    try:
        with written.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    # The name, and the folder that may be new, must survive a loss of power as the bytes do.
    for folder in (path.parent, path.parent.parent):
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _by_blob(places: Sequence[Place]) -> dict[str, list[Place]]:
    groups: dict[str, list[Place]] = {}
    for place in places:
        groups.setdefault(place.blob, []).append(place)
    return groups


def _grouped(contents: Sequence[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for content in contents:
        if group and size + len(content) > PACK_BYTES:
            yield group
            group, size = [], 0
        group.append(content)
        size += len(content)
    if group:
        yield group


def _check(data: bytes, digest: str, what: str) -> None:
    got = digest_of(data)
    if got != digest:
        raise BadData(f"{what} was altered or damaged", expected=f"SHA-256 {digest}", got=got)


def _check_place(data: bytes, place: Place, digest: str | None) -> None:
    if len(data) != place.length:
        raise BadData(f"blob {place.blob} is cut off", expected=f"{place.length} bytes", got=str(len(data)))
    if digest is not None:
        _check(data, digest, f"the content at {place.offset} of blob {place.blob}")
