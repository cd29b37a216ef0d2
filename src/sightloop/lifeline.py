"""Ties a process to the one that started it, so that nothing is left behind when that one is killed."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(number: signal.Signals) -> None:
    """Have the kernel send this signal to the calling process when its parent dies; Linux only, elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
