"""A linear head, as each way to fit one leaves it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Linear:
    """Logits are `embeddings @ weight.T + bias`; `weight` is (classes, dims), `found` what was chosen on the way."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    found: dict[str, float] = field(default_factory=dict)

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits (N, classes)."""
        return embeddings @ self.weight.T + self.bias


def loss(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The mean negative log-likelihood of the targets."""
    lead = logits - logits.max(axis=1, keepdims=True)
    said = lead[np.arange(len(targets)), targets] - np.log(np.exp(lead).sum(axis=1))
    return float(-said.mean())
