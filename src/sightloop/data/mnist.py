"""Fetches MNIST from its public mirrors: checked, and resumed where a connection broke off."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
from msgspec import Struct

from sightloop.errors import BadData

Progress = Callable[[str, int, int], None]
"""Told of each piece: the file's name, bytes held, bytes in all."""


class File(Struct, frozen=True):
    """One of MNIST's files: its name, length in bytes, and the MD5 that its mirrors publish."""

    name: str
    length: int
    md5: str


FILES = (
    File("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    File("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
    File("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
    File("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
)
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
TIMEOUT = httpx.Timeout(30.0, connect=3.0)
TRIES = 3
_UNFINISHED = "unfinished"


def download(
    folder: Path,
    progress: Progress = lambda *_: None,
    *,
    mirrors: Sequence[str] = MIRRORS,
    files: Sequence[File] = FILES,
) -> Path:
    """The folder with all of MNIST's files in it; those that are there already are not fetched again.

    A file is written beside its name until it is whole and its checksum right, so a broken download is taken up where
    it stopped. Of several who call at once one fetches, and the others wait for it. Raises BadData, naming what each
    mirror answered, when none of them gave a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _UNFINISHED).open("a", encoding="utf-8") as mark:
        with suppress(OSError):  # where the file system has no locks, nobody else is likely to fetch meanwhile
            fcntl.flock(mark, fcntl.LOCK_EX)
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
            for file in files:
                if not _whole(folder / file.name, file):
                    _fetch(client, file, folder, mirrors, progress)
        (folder / _UNFINISHED).unlink(missing_ok=True)
    return folder


def is_unfinished(folder: Path) -> bool:
    """Whether a download into this folder was broken off: what is there may lack whole files."""
    return (folder / _UNFINISHED).is_file()


def _fetch(client: httpx.Client, file: File, folder: Path, mirrors: Sequence[str], progress: Progress) -> None:
    part = folder / f"{file.name}.part"
    faults: list[str] = []
    for mirror in mirrors:
        fault = _from(client, mirror, file, part, progress)
        if not fault:
            part.replace(folder / file.name)
            return
        faults.append(f"{mirror}: {fault}")
    raise BadData(
        f"{file.name} cannot be downloaded",
        got="; ".join(faults),
        hint="Put MNIST's four files into a folder `mnist` of the data folder (SIGHTLOOP_DATA), or go on without them.",
    )


def _from(client: httpx.Client, mirror: str, file: File, part: Path, progress: Progress) -> str:
    """What went wrong with this mirror, or nothing when `part` is the whole and right file."""
    fault = ""
    for _ in range(TRIES):
        before = _length(part)
        try:
            _continue(client, mirror + file.name, file, part, progress)
        except httpx.HTTPError as error:
            fault = f"{type(error).__name__} {error}".strip()
            if _length(part) > before:
                continue
            return fault
        if _whole(part, file):
            return ""
        fault = f"{_length(part)} bytes with another checksum than MD5 {file.md5}"
        part.unlink()
        if not before:  # else the wrong bytes may be those of an earlier try: once more, from nothing
            return fault
    return fault


def _continue(client: httpx.Client, url: str, file: File, part: Path, progress: Progress) -> None:
    """Append what is missing in `part`; begin anew where the server does not do ranges."""
    held = _length(part)
    if held >= file.length:
        return
    headers = {"Range": f"bytes={held}-", "Accept-Encoding": "identity"} if held else {"Accept-Encoding": "identity"}
    with client.stream("GET", url, headers=headers) as answer:
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        held = held if resumed else 0
        with part.open("ab" if resumed else "wb") as out:
            for piece in answer.iter_raw():
                held += len(piece)
                if held > file.length:
                    raise httpx.RemoteProtocolError("more bytes than the file has")
                out.write(piece)
                progress(file.name, held, file.length)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _whole(path: Path, file: File) -> bool:
    if _length(path) != file.length:
        return False
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == file.md5
