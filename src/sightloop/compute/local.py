"""Heavy work in a child process: its memory is given back, a crash harms nobody, and it can be killed."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any, cast

import msgspec

from sightloop import errors
from sightloop.compute.compute import Listener
from sightloop.errors import Cancelled, SightloopError

_LOOK_SECONDS = 0.25
_LAST_LINES = 20


class LocalCompute:
    """Runs each piece of work in a child process of its own, which dies with this one."""

    def run(
        self,
        function: str,
        payload: dict[str, Any],
        *,
        environment: Mapping[str, str],
        listener: Listener,
        cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        """What `function` returns for `payload`; a cancel kills the child and all that it started."""
        child = subprocess.Popen(
            [sys.executable, "-m", "sightloop.compute.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            start_new_session=True,
        )
        said: deque[str] = deque(maxlen=_LAST_LINES)
        reader = threading.Thread(target=_keep, args=(child.stderr, said), daemon=True)
        reader.start()
        try:
            _order(child, {"function": function, "payload": payload, "parent": os.getpid()})
            outcome = _follow(child, listener, cancelled)
        finally:
            _kill(child)
            reader.join(timeout=5)
            for pipe in (child.stdin, child.stdout, child.stderr):
                _close(pipe)
        if outcome is None:
            raise SightloopError(
                f"the work died with exit code {child.returncode}",
                got="\n".join(said) or "no output",
                hint=_hint(child),
            )
        return outcome


COMPUTE = LocalCompute()


def _order(child: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    pipe = cast("IO[bytes]", child.stdin)
    with suppress(BrokenPipeError):  # it died at once; what it said is told by the caller
        pipe.write(msgspec.json.encode(order) + b"\n")
        pipe.flush()


def _follow(child: subprocess.Popen[bytes], listener: Listener, cancelled: Callable[[], bool]) -> dict[str, Any] | None:
    """The result, or None where the child died without one. Raises what the work raised, or Cancelled."""
    pipe = cast("IO[bytes]", child.stdout).fileno()
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if cancelled():
                raise Cancelled("the run was cancelled")
            if not selector.select(_LOOK_SECONDS):
                continue
            data = os.read(pipe, 1 << 16)
            if not data:
                child.wait()
                return None
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                told = msgspec.json.decode(line)
                if "event" in told:
                    listener(told["event"])
                elif "error" in told:
                    raise _rebuilt(told["error"])
                else:
                    result: dict[str, Any] = told["result"]
                    return result


def _rebuilt(error: dict[str, Any]) -> SightloopError:
    kind = getattr(errors, error.pop("kind"), SightloopError)
    raised: SightloopError = kind(error.pop("message"), **error)
    return raised


def _keep(pipe: IO[bytes], said: deque[str]) -> None:
    for line in pipe:
        said.append(line.decode(errors="replace").rstrip())


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the child and all that it started; a child that is done has at most stragglers left."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with suppress(BrokenPipeError):  # what was not sent is of no use to the dead
            pipe.close()


def _hint(child: subprocess.Popen[bytes]) -> str | None:
    if child.returncode == -signal.SIGKILL:
        return "It was killed from outside, most often because the machine's memory ran out."
    if child.returncode == -signal.SIGBUS:
        return "A file that it works on could not grow, most often because the disk is full."
    return None
