"""Work for the tests of compute, done in child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sightloop.errors import BadData
from sightloop.settings import in_force

Report = Callable[..., None]


def add(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """The sum, with its way there reported and something printed besides."""
    for done in (1, 2):
        report(done=done / 2, message=f"part {done}")
    sys.stdout.write("printed, not told\n")
    return {"sum": payload["a"] + payload["b"], "process": os.getpid()}


def settings(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """The settings in force."""
    return dict(in_force().environment)


def refuse(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """An error of ours."""
    raise BadData("no good", expected="good", got="bad", hint="Mend it.")


def crash(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """An error of somebody else's."""
    raise ZeroDivisionError("by nothing")


def die(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """A death without a word, by a signal."""
    os.kill(os.getpid(), payload["signal"])
    return {}


def linger(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Sleep for a minute beside a grandchild that does so too; the processes' numbers are written to a file."""
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(payload["file"]).write_text(f"{os.getpid()} {grandchild.pid}")
    report(done=0.0, message="asleep")
    time.sleep(60)
    return {}
