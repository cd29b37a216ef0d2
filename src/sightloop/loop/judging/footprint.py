"""How much memory a package takes at most, measured in a process of its own, where nothing else has used any."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from sightloop import plugins
from sightloop.store import packages
from sightloop.store.blobs import Blobs
from sightloop.trainers.trainer import Report

_STATUS = Path("/proc/self/status")
_RUNS = 20


def measure(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """The `bytes` by which opening `package` (a digest in `blobs`) and answering single inputs raises the peak.

    For the child process of `compute`. Where the system tells no peak (not Linux), it is what is held at the end.
    """
    package = packages.load(Blobs(payload["blobs"]), payload["package"])
    runtime = plugins.load("runtimes", payload["runtime"])
    spec = package.card.input
    sample = np.zeros((1, *spec.shape), np.uint8 if spec.kind == "image" else np.float32)
    before = psutil.Process().memory_info().rss
    session = runtime.open(package, threads=payload["threads"])
    for _ in range(_RUNS):
        session.run(sample)
    report(done=1.0)
    return {"bytes": max(_peak() - before, 0)}


def _peak() -> int:
    # Not getrusage: its peak goes on from that of the process that started this one.
    if not _STATUS.exists():
        return int(psutil.Process().memory_info().rss)
    found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    return 1024 * int(found.group(1)) if found else int(psutil.Process().memory_info().rss)
