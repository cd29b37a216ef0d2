"""A linear head fitted in seconds to embeddings of a frozen backbone: logistic regression, its strength chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm.linear import Linear, loss

_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 1.0)


def fit(
    embeddings: NDArray[np.float32],
    targets: NDArray[np.int64],
    held: tuple[NDArray[np.float32], NDArray[np.int64]],
    *,
    balanced: bool,
) -> Linear:
    """The logistic regression whose strength gives the least loss on the held samples, as one linear layer."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(embeddings)
    scaled, best, least = scaler.transform(embeddings), None, np.inf
    for strength in _STRENGTHS:
        model = LogisticRegression(C=strength, class_weight="balanced" if balanced else None, max_iter=300, tol=1e-3)
        found = _folded(model.fit(scaled, targets), scaler)
        lost = loss(found.logits(held[0]), held[1])
        if best is None or lost < least:
            best, least = found, lost
    assert best is not None  # noqa: S101 - there are strengths to try
    return best


def _folded(model: Any, scaler: Any) -> Linear:
    """The scaling taken into the layer; of two classes scikit-learn keeps one row, which is the second's lead."""
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scaler.scale_
    bias = bias - weight @ scaler.mean_
    return Linear(weight.astype(np.float32), bias.astype(np.float32), {"strength": float(model.C)})
