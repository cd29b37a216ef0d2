"""The shape of a hand as numbers that stay when it is turned, mirrored, moved or seen from farther away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.values.landmarks import POINTS

PAIRS = [(one, other) for one in range(POINTS) for other in range(one + 1, POINTS)]
_LEAST = 1e-9
_STRETCH = 0.4


def distances(points: Any) -> Any:
    """The 210 distances between points (N, 21, 2), a tensor, in units of their root mean square from the wrist."""
    between = points[:, :, None] - points[:, None]
    far = (between.square().sum(dim=3) + _LEAST).sqrt()
    unit = far[:, 0].square().mean(dim=1, keepdim=True).sqrt()
    ones, others = zip(*PAIRS, strict=True)
    return far[:, list(ones), list(others)] / unit


def stretched(points: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """The points (N, 21, 2), each hand longer one way and shorter across, as in a picture that was stretched."""
    turn = chance.uniform(0, np.pi, len(points))
    longer = np.exp(chance.uniform(0, np.log1p(_STRETCH), len(points)))
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    both = along[:, :, None] * along[:, None]
    bend = both * longer[:, None, None] + (np.eye(2) - both) / longer[:, None, None]
    return np.asarray(points @ bend, np.float32)
