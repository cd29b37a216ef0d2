"""How a package did, sample by sample: what the gate's rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.values.scores import Scores

Marks = NDArray[np.bool_]


class Cost(Struct, frozen=True, kw_only=True):
    """What answering costs: the package's bytes, the ms for one input (95th percentile), the peak of memory."""

    size_bytes: int
    latency_ms: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """A package's scores, and for each sample, in a fixed order, whether it was right (N,).

    `labels` are the true classes (N), `answers` the probabilities (N, classes). `changed` has, by kind and strength as
    in `blur 2`, whether the first samples were still right when they were corrupted. `cost` was measured beside the
    champion's.
    """

    scores: Scores
    right: Marks
    labels: tuple[str, ...] = ()
    changed: Mapping[str, Marks] = field(default_factory=dict)
    cost: Cost | None = None
    answers: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
