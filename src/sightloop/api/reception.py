"""Where a large body arrives: written to a file as it comes, from where it was left."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from fastapi.concurrency import run_in_threadpool

from sightloop.errors import Conflict, TooLarge
from sightloop.serve.video.filming import SOURCE

_CHUNK = 2**20


class Reception:
    """A file that grows; its own size says how much is here, so that nothing is lost with a process."""

    def __init__(self, folder: Path, *, most: int | None = None) -> None:
        self._coming = folder / f"{SOURCE}.part"
        self._whole = folder / SOURCE
        self._most = most

    @property
    def size(self) -> int:
        """The bytes that are here."""
        return self._coming.stat().st_size if self._coming.is_file() else 0

    def open(self) -> None:
        """Make the file."""
        self._coming.parent.mkdir(parents=True)
        self._coming.touch()

    def close(self) -> None:
        """All is here."""
        self._coming.replace(self._whole)

    async def take(self, chunks: AsyncIterator[bytes], start: int) -> int:
        """Write what comes after the first `start` bytes; the bytes that are here then, also if it broke off.

        Raises Conflict where another number of bytes is here, or somebody else is sending, and TooLarge beyond `most`.
        """
        with self._own() as file:
            here = os.fstat(file.fileno()).st_size
            if start != here:
                raise Conflict("the part does not begin where the last one ended", expected=f"{here}", got=f"{start}")
            waiting = bytearray()
            try:
                async for chunk in chunks:
                    waiting += chunk
                    if self._most is not None and here + len(waiting) > self._most:
                        waiting.clear()
                        raise TooLarge("more came than was announced", expected=f"{self._most:,} bytes", got="more")
                    if len(waiting) >= _CHUNK:
                        here += await run_in_threadpool(file.write, bytes(waiting))
                        waiting.clear()
            finally:
                here += file.write(waiting)
            await run_in_threadpool(_keep, file)
            return here

    @contextmanager
    def _own(self) -> Iterator[IO[bytes]]:
        with self._coming.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict("this video is being sent already", hint="Ask how much is here, then go on.") from error
            yield file


def _keep(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
