"""Keeps child processes alive: one that dies is started again, ever later, until it stays up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from sightloop.lifeline import tie

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_SETTLED_SECONDS = 60.0
_GRACE_SECONDS = 20.0


@dataclass
class Kept:
    """One command of sightloop as a child process, which ends with this process however that ends."""

    arguments: Sequence[str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _begun: float = field(default=0.0, init=False)
    _wait: float = field(default=_FIRST_WAIT, init=False)
    _again: float = field(default=0.0, init=False)

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return f"sightloop {self.arguments[0]}"

    def start(self) -> None:
        """Start it now."""
        self._begun = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", "sightloop.cli.main", *self.arguments],
            start_new_session=True,  # a Ctrl-C reaches this process alone, which then ends them in order
            preexec_fn=partial(tie, signal.SIGTERM),  # safe: no thread of ours runs, and those of libraries only wait
        )

    def died(self) -> int | None:
        """Its exit code, if it is not running."""
        return None if self._process is None else self._process.poll()

    def revive(self) -> str | None:
        """Start it again if it is dead and has waited enough; what to tell of it, if anything."""
        code, now = self.died(), time.monotonic()
        if code is None:
            return None
        if not self._again:
            self._sweep()
            self._wait = _FIRST_WAIT if now - self._begun > _SETTLED_SECONDS else self._wait
            self._again = now + self._wait
            told = f"{self.name} ended with exit code {code}; it starts again in {self._wait:g} s"
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
            return told
        if now >= self._again:
            self._again = 0.0
            self.start()
        return None

    def end(self) -> None:
        """Ask it to end, and make it end if it does not within 20 seconds."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)  # nothing happens to one that is dead
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._sweep()

    def _sweep(self) -> None:
        """Kill what it started and left behind, which might still hold its port."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
