"""Samples as small pictures for a page: a photograph scaled down, a hand drawn from its landmarks."""

from __future__ import annotations

import base64

import numpy as np

from sightloop.values.image import Image
from sightloop.values.landmarks import Landmarks

SIZE = 160
"""The longest side of a picture, in pixels."""
BONES = (
    *((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (5, 9), (9, 10), (10, 11), (11, 12)),
    *((9, 13), (13, 14), (14, 15), (15, 16), (13, 17), (17, 18), (18, 19), (19, 20), (0, 17)),
)
"""Which of the 21 landmarks are joined, as MediaPipe draws them."""

_PLAIN = 64  # up to so many pixels a drawing is kept as it is: JPEG would smear it
_MARGIN = 10


def url(content: bytes, kind: str, size: int = SIZE) -> str:
    """A stored image or hand as a `data:` URL that an `img` shows; of `kind` image or landmarks. Raises BadInput.

    An image's longer side is `size` pixels at most.
    """
    if kind == "landmarks":
        return _data("image/svg+xml", _hand(Landmarks.from_bytes(content)).encode())
    image = Image.decode(content, least=(size, size))
    height, width = image.pixels.shape[:2]
    scale = min(1.0, size / max(height, width))
    small = Image(image.resized(max(1, round(height * scale)), max(1, round(width * scale))))
    if max(height, width) <= _PLAIN:
        return _data("image/png", small.encode())
    return _data("image/jpeg", small.as_jpeg(85))


def _hand(hand: Landmarks) -> str:
    """The hand as SVG, in one colour for bones and one for joints that stand on light and on dark."""
    flat = hand.points[:, :2]
    low, spread = flat.min(axis=0), float(np.ptp(flat, axis=0).max())
    placed = (flat - low) / spread * (SIZE - 2 * _MARGIN)
    placed += (SIZE - placed.max(axis=0)) / 2
    bones = "".join(
        f'<line x1="{placed[one][0]:.1f}" y1="{placed[one][1]:.1f}" x2="{placed[other][0]:.1f}" '
        f'y2="{placed[other][1]:.1f}"/>'
        for one, other in BONES
    )
    joints = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in placed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<g stroke="#3b8fc4" stroke-width="3" stroke-linecap="round">{bones}</g><g fill="#e07b39">{joints}</g></svg>'
    )


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
