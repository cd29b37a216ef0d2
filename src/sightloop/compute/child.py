"""The child's side of local compute: `python -m sightloop.compute.child` does one piece of work and tells of it.

One line of JSON on standard input says what to do, lines of JSON on standard output say what happens: `{"event": ...}`
any number of times, then `{"result": ...}` or `{"error": ...}`. Whatever the work itself prints goes to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec

from sightloop.errors import SightloopError
from sightloop.lifeline import tie

_NICENESS = 5  # a server on the same machine goes first


def main() -> int:
    """Do the work that standard input names. The exit code is 0 where there is a result or an error to tell of."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(_NICENESS)
    order = msgspec.json.decode(sys.stdin.buffer.readline())
    _die_with_parent(order["parent"])

    def tell(**line: Any) -> None:
        told.write(msgspec.json.encode(line) + b"\n")

    def report(**event: Any) -> None:
        tell(event=event)

    try:
        tell(result=_named(order["function"])(order["payload"], report))
    except SightloopError as error:
        tell(error=_plain(error))
    return 0


def _named(function: str) -> Callable[[dict[str, Any], Callable[..., None]], dict[str, Any]]:
    module, _, name = function.partition(":")
    found: Callable[[dict[str, Any], Callable[..., None]], dict[str, Any]] = getattr(import_module(module), name)
    return found


def _plain(error: SightloopError) -> dict[str, Any]:
    fields = {name: getattr(error, name) for name in ("message", "expected", "got", "hint")}
    return {"kind": type(error).__name__, **fields}


def _die_with_parent(parent: int) -> None:
    """Never outlive the parent: the kernel sees to it on Linux, the end of standard input everywhere."""
    tie(signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    threading.Thread(target=_watch, args=(sys.stdin.fileno(),), daemon=True).start()


def _watch(pipe: int) -> None:
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's own shutdown.
    while os.read(pipe, 1):
        continue
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
