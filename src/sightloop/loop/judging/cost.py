"""What packages cost to answer with, measured here, side by side, so that noise hits both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.runtimes.runtime import Session
from sightloop.values.package import Sealed

BLOCKS, ROUNDS = 9, 40
PATIENCE = 20.0
"""So many seconds are spent on it at most, about; slow packages take fewer turns."""
_WARM = 5
_FEWEST = 3


def latencies(
    candidates: Sequence[tuple[Sealed, NDArray[Any]]], *, runtime: str = "onnx", threads: int = 0
) -> list[float]:
    """For each package the 95th percentile of the milliseconds that one input takes, over its own inputs (n, ...).

    The packages take turns, and who begins changes with every round. It is the median of 9 percentiles of up to 40
    rounds each, so that something else on the machine, passing by, does not decide.
    """
    opener = plugins.load("runtimes", runtime)
    sessions = [(opener.open(package, threads=threads), inputs) for package, inputs in candidates]
    taken = min(sum(_round(sessions, 0)) for _ in range(_WARM)) / 1000
    rounds = int(np.clip(PATIENCE / BLOCKS / taken, _FEWEST, ROUNDS))
    blocks = [np.array([_round(sessions, number) for number in range(rounds)]) for _ in range(BLOCKS)]
    tails = [np.percentile(block, 95, axis=0) for block in blocks]
    return [statistics.median(float(tail[place]) for tail in tails) for place in range(len(sessions))]


def size(package: Sealed) -> int:
    """The bytes of the package's files."""
    return len(package.graph) + len(package.golden) + len(package.card.to_bytes())


def _round(sessions: Sequence[tuple[Session, NDArray[Any]]], number: int) -> list[float]:
    taken = [0.0] * len(sessions)
    for turn in range(len(sessions)):
        place = (turn + number) % len(sessions)
        session, inputs = sessions[place]
        one = inputs[number % len(inputs)][None]
        begun = time.perf_counter()
        session.run(one)
        taken[place] = 1000 * (time.perf_counter() - begun)
    return taken
