"""A dataset version's content as one tar file: the same samples, labels and sides give the same bytes, wherever.

Its first member is `index.json`, with the project, the classes, and the label and side of each sample; `samples/DIGEST`
follow in the order of their digests. Where the bytes lie in a blob store does not show in it.
"""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from sightloop.errors import BadData
from sightloop.values.box import Box
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Labelled, Side, digest_of

INDEX = "index.json"
_FOLDER = "samples/"


class Indexed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sample in the index: an entry of the manifest without its place."""

    digest: str
    label: str
    side: Side
    boxes: tuple[Box, ...] | None = None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The sample of a manifest's entry."""
        return cls(digest=entry.digest, label=entry.label, side=entry.side, boxes=entry.boxes)


class Index(Struct, frozen=True, kw_only=True):
    """What an archive holds, ordered by digest."""

    project: str
    classes: tuple[str, ...]
    entries: tuple[Indexed, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """The index of a version's archive."""
        return cls(project=manifest.project, classes=manifest.classes, entries=tuple(map(Indexed.of, manifest.entries)))


def write(manifest: Manifest, contents: Iterable[bytes], path: Path) -> None:
    """Write a version's archive, its contents in the manifest's order; it appears under its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    try:
        with tarfile.open(written, "w", format=tarfile.USTAR_FORMAT) as archive:
            _add(archive, INDEX, msgspec.json.encode(Index.of(manifest)))
            for entry, content in zip(manifest.entries, contents, strict=True):
                _add(archive, _FOLDER + entry.digest, content)
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def read(path: Path) -> Iterator[tuple[Indexed, bytes]]:
    """The samples of an archive with their contents, each checked. Raises BadData for one that is altered or cut."""
    try:
        with tarfile.open(path, "r:") as archive:
            index = msgspec.json.decode(_next(archive, INDEX), type=Index)
            for entry in index.entries:
                content = _next(archive, _FOLDER + entry.digest)
                if digest_of(content) != entry.digest:
                    raise BadData(f"{path}: sample {entry.digest} was altered or damaged")
                yield entry, content
    except (tarfile.TarError, msgspec.MsgspecError, UnicodeDecodeError, EOFError, OSError) as error:
        raise BadData(f"{path} is no whole archive of a dataset version: {error}") from error


def labelled(path: Path) -> Iterator[Labelled]:
    """The samples of an archive as an import takes them, each on the side that it had. Raises BadData."""
    for entry, content in read(path):
        origin = f"{path.name} {entry.digest[:12]}"
        yield Labelled(content=content, label=entry.label, side=entry.side, origin=origin, boxes=entry.boxes)


def check(path: Path, manifest: Manifest) -> None:
    """Raise BadData unless the archive holds just what the manifest says, every byte of it."""
    expected = Index.of(manifest).entries
    found = tuple(entry for entry, _ in read(path))
    if found != expected:
        raise BadData(
            f"{path} does not hold what its manifest says",
            expected=f"{len(expected)} samples",
            got=f"{len(found)} samples, {len(set(found) - set(expected))} of them others",
        )


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    # A fresh TarInfo has no time, no owner and mode 0644, so nothing of this machine gets in.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _next(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.next()
    # A sparse file may declare any number of zeros.
    plain = member is not None and member.name == name and member.isreg() and not member.issparse()
    file = archive.extractfile(member) if plain and member else None
    if file is None:
        got = "its end" if member is None else member.name
        raise BadData(f"{archive.name!s} is no archive of a dataset version", expected=name, got=got)
    return file.read()
