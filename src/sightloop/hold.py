"""The hold of one worker on a home folder: the lock, the name that follows from it, and the pulse."""

from __future__ import annotations

import fcntl
import os
import socket
import time
import uuid
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from sightloop.errors import Conflict, NotReady
from sightloop.settings import Settings
from sightloop.values.moment import new_id
from sightloop.values.sample import digest_of

_MOMENT_SECONDS, _LOOK_SECONDS = 1.0, 0.02
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Pulse(Struct, frozen=True, kw_only=True):
    """What a worker says of itself: its process, since when it works, when it said so last, and the run under way."""

    process: int
    since: str
    at: str
    run: str | None = None


class Hold:
    """The lock on a home folder, which the system frees when the process that took it ends, however it ends.

    `name` is what the holder is called in the leases of runs and videos. It names the lock itself: the file, and the
    running system that knows who has it. So no two workers that are alive have one name, not even where a network's
    folder does not tell one machine of the other's lock; and one that starts again comes back to its runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._file: IO[str] | None = None
        with _opened(settings) as file:
            found = os.fstat(file.fileno())
        self.name = f"worker-{digest_of(f'{_system()} {found.st_dev} {found.st_ino}'.encode())[:32]}"

    def take(self) -> None:
        """Take the home folder. Raises Conflict where a worker has it, NotReady where it cannot be locked."""
        deadline = time.monotonic() + _MOMENT_SECONDS
        while (file := _locked(self._settings, fcntl.LOCK_EX)) is None:
            if time.monotonic() > deadline:
                raise self._taken()
            time.sleep(_LOOK_SECONDS)  # who only looks has it for less than a moment
        self._file = file

    def free(self) -> None:
        """Let another worker take it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def show(self, pulse: Pulse) -> None:
        """Write down the pulse, for people. Raises OSError."""
        path = _path(self._settings, "json")
        fresh = path.with_name(f"{path.name}.{new_id()}")
        try:
            fresh.write_bytes(msgspec.json.encode(pulse))
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def _taken(self) -> Conflict:
        pulse = _pulse(self._settings)
        return Conflict(
            f"another worker works on {self._settings.home}",
            got=f"process {pulse.process}, since {pulse.since}" if pulse else "a process that has just begun",
            hint="One worker to a home folder is enough; stop that one first.",
        )


def holder(settings: Settings) -> Pulse | None:
    """The worker that holds the home folder, or None where there is none. Raises NotReady where it cannot be told."""
    file = _locked(settings, fcntl.LOCK_SH)
    if file is None:
        return _pulse(settings) or Pulse(process=0, since="", at="")
    file.close()
    return None


def gone(settings: Settings) -> str | None:
    """The name under which this home's worker had its runs, where none is alive; None where one is."""
    return Hold(settings).name if holder(settings) is None else None


def _locked(settings: Settings, how: int) -> IO[str] | None:
    """The file with the lock on it; None where somebody else has one that does not go with it."""
    file = _opened(settings)
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if isinstance(error, BlockingIOError):
            return None
        raise _unfit(settings, error) from error
    return file


def _opened(settings: Settings) -> IO[str]:
    try:
        return _path(settings, "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise _unfit(settings, error) from error


def _unfit(settings: Settings, error: OSError) -> NotReady:
    return NotReady(
        f"the home folder {settings.home} cannot be locked: {error.strerror}",
        hint="It must be a folder that can be written, on a file system that has locks.",
    )


def _pulse(settings: Settings) -> Pulse | None:
    try:
        return msgspec.json.decode(_path(settings, "json").read_bytes(), type=Pulse)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):  # none yet, or one that a loss of power cut off
        return None


def _path(settings: Settings, kind: str) -> Path:
    settings.home.mkdir(parents=True, exist_ok=True)
    return settings.home / f"worker.{kind}"


def _system() -> str:
    """The running system whose locks these are: this start of this machine, or the machine where it tells no start."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return f"{socket.gethostname()} {uuid.getnode():x}"
