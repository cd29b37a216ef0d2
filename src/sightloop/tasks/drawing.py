"""Boxes drawn into the picture that they were found in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import MissingExtra
from sightloop.values.box import Box
from sightloop.values.image import Image

_LINE, _LINE_SHARE = 2, 600  # pixels of a line at least, and the picture's longer side for each pixel of it


def draw(image: Image, boxes: Sequence[Box], classes: Sequence[str]) -> Image:
    """A copy with a box, a class and a score for each; a colour of its own for each class.

    Raises MissingExtra where supervision is not installed.
    """
    annotations: Any = _supervision()
    found = annotations.Detections(
        xyxy=np.array([box.corners for box in boxes], np.float32).reshape(-1, 4),
        confidence=np.array([box.score for box in boxes], np.float32),
        class_id=np.array([_place(box, classes) for box in boxes], int),
    )
    thickness = max(_LINE, round(max(image.pixels.shape) / _LINE_SHARE))
    # supervision paints in OpenCV's order of the channels.
    scene: NDArray[np.uint8] = np.ascontiguousarray(image.pixels[:, :, ::-1])
    scene = annotations.BoxAnnotator(thickness=thickness).annotate(scene, found)
    labels = [f"{box.label} {box.score:.2f}" for box in boxes]
    scene = annotations.LabelAnnotator(text_scale=0.4, text_padding=3).annotate(scene, found, labels)
    return Image(np.ascontiguousarray(scene[:, :, ::-1]))


def _place(box: Box, classes: Sequence[str]) -> int:
    return classes.index(box.label) if box.label in classes else len(classes)


def _supervision() -> Any:
    try:
        import supervision
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"drawing needs {error.name!r}, which is not installed", hint="Install it: pip install 'sightloop[detect]'."
        ) from error
    return supervision
