"""Small pictures on the disk, each of its own content."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightloop.values.image import Image


def picture(value: int) -> bytes:
    """A flat picture as PNG, another one for each value."""
    return Image(np.full((4, 4, 3), value, np.uint8)).encode()


def paint(path: Path, value: int) -> None:
    """Write such a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(value))
