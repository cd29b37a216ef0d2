"""Handwritten digits that need no network: scikit-learn's 1,797, drawn the way MNIST draws them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.values.image import Image
from sightloop.values.sample import Labelled

SIDE, BOX = 28, 20
ORIGIN = "scikit-learn digits (UCI, Alpaydin and Kaynak, 1998)"


def digits() -> Iterator[Labelled]:
    """The 1,797 digits as PNG files of 28 x 28 pixels, white on black, on no side of their own.

    Their 8 x 8 pixels of 17 levels become smooth strokes in a box of 20 x 20, moved so that the centre of mass lies
    in the middle, as MNIST's authors did (LeCun et al., 1998).
    """
    from sklearn.datasets import load_digits

    source = load_digits()
    for small, target in zip(source.images, source.target, strict=True):
        yield Labelled(content=Image(draw(small)).encode(), label=str(target), origin=ORIGIN)


def draw(small: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A digit of 8 x 8 cells (0 to 16) as MNIST would have it: (28, 28, 3) uint8."""
    cropped = _cropped(small)
    scale = BOX / max(cropped.shape)
    size = tuple(max(1, round(length * scale)) for length in reversed(cropped.shape))
    large = cv2.resize(cropped, size, interpolation=cv2.INTER_CUBIC).clip(0, 16)
    moments = cv2.moments(large)
    centre = (SIDE - 1) / 2
    shift = np.array(
        [[1, 0, centre - moments["m10"] / moments["m00"]], [0, 1, centre - moments["m01"] / moments["m00"]]]
    )
    grey = cv2.warpAffine(large, shift, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return np.repeat((grey * (255 / 16)).round().astype(np.uint8)[:, :, None], 3, axis=2)


def _cropped(small: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
    return small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
