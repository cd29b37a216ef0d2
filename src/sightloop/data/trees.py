"""Files by name, wherever they lie: in a folder, a zip archive or a bucket."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from sightloop.errors import BadData

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

Fetch = Callable[[Sequence[str]], Iterator[bytes]]


@dataclass(frozen=True, eq=False)
class Tree:
    """Files below a root: their paths with slashes, in order, without hidden ones.

    `fetch` gives the contents of some of them in the order in which they are named, few at a time in memory.
    """

    root: str
    names: tuple[str, ...]
    fetch: Fetch

    @classmethod
    def of(cls, root: str, names: Sequence[str], fetch: Fetch) -> Tree:
        """The tree of these files, put in order, without what file managers leave behind."""
        return cls(root, tuple(sorted(name for name in names if not _hidden(name))), fetch)

    def __contains__(self, name: object) -> bool:
        """Whether there is a file of this name."""
        return name in self._known

    @property
    def images(self) -> list[str]:
        """The files that are named like images."""
        return self.ending(*IMAGES)

    def ending(self, *suffixes: str) -> list[str]:
        """The files whose names end so, in capitals or not."""
        return [name for name in self.names if name.lower().endswith(suffixes)]

    def read(self, name: str) -> bytes:
        """The content of one file."""
        return next(self.fetch([name]))

    def find(self, said: str, near: str = "") -> str | None:
        """The file that another file, `near`, calls so: beside it, below the root, or the only one with this end.

        What leads out of the tree leads nowhere, since only the tree's own names are compared.
        """
        wanted = str(PurePosixPath(said.replace("\\", "/"))).lstrip("./")
        beside = str(PurePosixPath(near).parent / wanted)
        for name in (beside, wanted):
            if name in self:
                return name
        ends = [name for name in self._by_last[PurePosixPath(wanted).name] if f"/{name}".endswith(f"/{wanted}")]
        return ends[0] if len(ends) == 1 else None

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    @cached_property
    def _by_last(self) -> defaultdict[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for name in self.names:
            found[name.rsplit("/", 1)[-1]].append(name)
        return found


def folder(path: Path) -> Tree:
    """The files in a folder on this machine. Raises BadData where it is none."""
    if not path.is_dir():
        raise BadData(f"{path} is no folder", expected="a folder with one folder of images for each class")
    names = [file.relative_to(path).as_posix() for file in _below(path)]
    return Tree.of(str(path), names, lambda some: (_content(path / name) for name in some))


def _below(folder: Path, around: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The files in a folder, links followed, but for one that leads back to a folder around it."""
    real = os.path.realpath(folder)
    if real in around:
        return
    with _told(folder), os.scandir(folder) as found:
        entries = [entry for entry in found if not _hidden(entry.name)]
    for entry in entries:
        if entry.is_dir():
            yield from _below(folder / entry.name, around | {real})
        elif entry.is_file():
            yield folder / entry.name


def _content(file: Path) -> bytes:
    with _told(file):
        return file.read_bytes()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}") from error


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
