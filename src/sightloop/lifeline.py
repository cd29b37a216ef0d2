"""Ties a process to the one that started it, so that nothing is left behind when that one is killed.

`python -m sightloop.lifeline PARENT MODULE WORDS...` is `python -m MODULE WORDS...`, tied to the process PARENT: for a
program of somebody else's, which a process with threads cannot safely tie between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(number: signal.Signals) -> None:
    """Have the kernel send this signal to the calling process when its parent dies; Linux only, elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def main() -> None:
    """Run the module that the command line names, killed when the parent that it names dies."""
    parent, module, *words = sys.argv[1:]
    tie(signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before we asked
        sys.exit(1)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
