"""What the numbers of MediaPipe's palm network mean (Zhang et al., 2020, "MediaPipe Hands")."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

PALM_SIDE, HAND_SIDE = 192, 224
"""The sides in pixels of what the palm network and the hand network look at."""
WRIST, MIDDLE = 0, 2
"""Of a palm's seven points: the wrist, and the base of the middle finger."""
GROWN, SHIFTED = 2.6, 0.5
"""A hand's square is so much larger than its palm's, and lies so much of its height towards the fingers."""
_GRIDS = ((24, 2), (12, 6))  # cells on a side, anchors in a cell


@cache
def anchors() -> NDArray[np.float32]:
    """The middles of the palm network's 2,016 anchors, as shares of its square; all have the size of the square."""
    grids = []
    for cells, each in _GRIDS:
        at = (np.arange(cells) + 0.5) / cells
        grids.append(np.repeat(np.stack(np.meshgrid(at, at), axis=2).reshape(-1, 2), each, axis=0))
    return np.concatenate(grids).astype(np.float32)
