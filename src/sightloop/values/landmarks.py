"""The 21 landmarks of one hand, as MediaPipe numbers them, before any normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadLandmarks

POINTS = 21
PALM, HAND = "palm_detection_full.tflite", "hand_landmark_full.tflite"
"""The files of MediaPipe's two networks: what finds a palm, and what reads the points off its hand."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """One hand: `points` is (21, 3) float32.

    x and y share one unit (pixels, or any scale of them); z is as MediaPipe gives it, or 0 where it is not known.
    """

    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse what is no hand: a wrong shape, a number that is not finite, all points in one place."""
        if self.points.shape != (POINTS, 3) or self.points.dtype != np.float32:
            raise BadLandmarks(
                "wrong number of landmarks", expected="21 points of x, y, z", got=f"shape {self.points.shape}"
            )
        if not np.isfinite(self.points).all():
            raise BadLandmarks("a coordinate is not a number", expected="63 finite numbers", got="NaN or infinity")
        places = self.points[:, :2]
        if places[0, 0] == places[1, 0] and (places == places[0]).all():  # two points tell most hands from none
            raise BadLandmarks(
                "all landmarks lie in one place", expected="the points of a hand", got="one point 21 times"
            )

    @classmethod
    def of(cls, numbers: Sequence[Any] | NDArray[Any], *, aspect: float = 1.0) -> Landmarks:
        """The hand in 63 numbers, or in 21 lists of 3 (or of 2: z is then 0).

        `aspect` is the image's width / height where x and y are fractions of them; 1 where they share a unit.
        """
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused
                points = np.asarray(numbers, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise BadLandmarks("the landmarks are not numbers", expected="63 numbers or 21 lists of x, y, z") from error
        if points.shape == (POINTS * 3,):
            points = points.reshape(POINTS, 3)
        elif points.shape == (POINTS, 2):
            points = np.pad(points, ((0, 0), (0, 1)))
        elif points.ndim == 1:
            raise BadLandmarks("wrong number of landmarks", expected="63 numbers (21 x, y, z)", got=f"{points.size}")
        if not (np.isfinite(aspect) and aspect > 0):
            raise BadLandmarks("the aspect ratio is not positive", expected="width / height", got=str(aspect))
        if points.shape == (POINTS, 3) and aspect != 1.0:
            with np.errstate(over="ignore", invalid="ignore"):
                points = points * np.array([aspect, 1, aspect], np.float32)
        return cls(np.ascontiguousarray(points, dtype=np.float32))

    def to_bytes(self) -> bytes:
        """252 bytes: 63 little-endian float32; what is hashed and stored."""
        return self.points.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Landmarks:
        """The hand in the 252 bytes of `to_bytes`."""
        if len(data) != POINTS * 3 * 4:
            raise BadLandmarks("wrong number of bytes", expected="252 bytes of float32", got=f"{len(data)} bytes")
        return cls(np.frombuffer(data, dtype="<f4").reshape(POINTS, 3).astype(np.float32))
