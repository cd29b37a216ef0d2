"""The interface of a runtime, which each inference engine fulfils."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightloop.values.package import Sealed

EXACT = 1e-3
"""The tolerance of what counts in float32: other processors, and other runtimes, round otherwise."""
NEAR = 0.1
"""The tolerance of what counts in bfloat16, which has three digits: enough to tell a sound graph from a broken one."""


class Session(Protocol):
    """An open model. `run` may be called from many threads at once."""

    tolerance: float
    """How far a golden answer may be off, as the task measures it."""

    def run(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The answers and embeddings (N, dims) of raw inputs (N, ...).

        A classifier's answers are probabilities (N, classes), a detector's are (N, K, 6) as `Package` has them.
        """
        ...


class Runtime(Protocol):
    """Opens model packages."""

    def open(self, package: Sealed, *, threads: int) -> Session:
        """The package's model, loaded and ready. Raises PackageRefused where the graph cannot be run."""
        ...
