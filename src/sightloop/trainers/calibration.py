"""Temperature scaling: one number that makes a classifier's confidence mean what it says (Guo et al., 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# In log T: a prior of this standard deviation keeps T finite where every validation sample is answered rightly, in
# which case likelihood alone would sharpen for ever. Against thousands of samples it weighs nothing.
_PRIOR_WIDTH = 0.5
_REACH = 4.0
_POINTS, _ROUNDS = 33, 6
_HALVINGS = 40


def log_probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """The log softmax of logits (N, classes) over a temperature, in double precision."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))


def probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float32]:
    """The calibrated probabilities (N, classes) of logits (N, classes)."""
    return np.exp(log_probabilities(logits, temperature)).astype(np.float32)


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """The temperature under which validation logits (N, classes) say their targets (N,) most probably; 1 for none.

    It minimises the summed log loss with a weak log-normal prior around 1, by a grid over log T that is narrowed
    around its best point, so that the same logits always give the same temperature.
    """
    centre, reach = 0.0, _REACH
    for _ in range(_ROUNDS):
        grid = np.linspace(centre - reach, centre + reach, _POINTS)
        centre = float(min(grid, key=lambda point: _loss(logits, targets, float(point))))
        reach *= 2 / (_POINTS - 1)
    return float(np.exp(centre))


def fit_any_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64]) -> float:
    """The same for logits whose scale says nothing, as a discriminant's: the prior is not around 1.

    It is around the temperature at which they are on average as sure as they are right, which by Laplace's rule is
    (right + 1) of (N + 2).
    """
    right = float((logits.argmax(axis=1) == targets).sum())
    middle = _as_sure_as((right + 1) / (len(targets) + 2), logits)
    return middle * fit_temperature(np.asarray(logits, np.float64) / middle, targets)


def _as_sure_as(share: float, logits: NDArray[np.floating]) -> float:
    """The temperature at which the mean confidence is this share, or the nearest to it within e^-10 to e^10."""
    low, high = -10.0, 10.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        sure = float(np.exp(log_probabilities(logits, float(np.exp(middle))).max(axis=1)).mean())
        low, high = (middle, high) if sure > share else (low, middle)
    return float(np.exp((low + high) / 2))


def _loss(logits: NDArray[np.floating], targets: NDArray[np.int64], log_temperature: float) -> float:
    said = log_probabilities(logits, float(np.exp(log_temperature)))[np.arange(len(targets)), targets]
    return float(0.5 * (log_temperature / _PRIOR_WIDTH) ** 2 - said.sum())
