"""A tied process ends with its parent."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

PARENT = r"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c",
    "import signal, time\nfrom sightloop.lifeline import tie\n"
    "tie(signal.SIGTERM)\nprint(1, flush=True)\ntime.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own watch is Linux's")
def test_a_tied_process_ends_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "1\n"
        parent.kill()
        gone, _ = psutil.wait_procs([child], timeout=10)
        assert gone or child.status() == psutil.STATUS_ZOMBIE
