"""Draws what was seen into frames: boxes with class and id, the way that each thing took, or the frame's class."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import MissingExtra
from sightloop.serve.video.notes import ALONE, Note

_INK, _EDGE = (255, 255, 255), (0, 0, 0)


class Brush:
    """Draws into the frames of one video, in their order, since trails need what was before."""

    def __init__(self, classes: tuple[str, ...], width: int, height: int, rate: float, *, trails: bool) -> None:
        try:
            import supervision as sv
        except ModuleNotFoundError as error:
            raise MissingExtra("drawing needs supervision", hint="Install `sightloop[video]`.") from error
        self._classes = classes
        self._detections: Any = sv.Detections
        thick = max(1, round(min(width, height) / 360))
        self._size = max(0.35, min(width, height) / 1200)
        by_id = sv.ColorLookup.TRACK
        self._boxes = sv.BoxAnnotator(thickness=thick, color_lookup=by_id)
        self._labels = sv.LabelAnnotator(
            text_scale=self._size, text_padding=2, text_thickness=1, color_lookup=by_id, smart_position=False
        )
        self._trails = (
            sv.TraceAnnotator(thickness=thick, trace_length=max(2, round(rate)), color_lookup=by_id) if trails else None
        )

    def draw(self, pixels: NDArray[np.uint8], note: Note) -> NDArray[np.uint8]:
        """The frame, (height, width, 3) uint8 in RGB, with what was seen drawn into it; it is changed itself."""
        if note.label:
            self._write(pixels, f"{note.label} {note.score:.2f}")
            return pixels
        seen = [box for box in note.boxes if box.id]
        if not seen:
            return pixels
        found = self._detections(
            xyxy=np.array([(box.x1, box.y1, box.x2, box.y2) for box in seen], np.float32),
            confidence=np.array([box.score for box in seen], np.float32),
            class_id=np.array([box.place for box in seen], int),
            tracker_id=np.array([box.id if box.id != ALONE else box.place for box in seen], int),
        )
        drawn = self._boxes.annotate(pixels, found)
        if self._trails is not None and seen[0].id != ALONE:
            drawn = self._trails.annotate(drawn, found)
        texts = [f"{self._classes[box.place]} {box.id if box.id != ALONE else ''}".rstrip() for box in seen]
        return np.asarray(self._labels.annotate(drawn, found, labels=texts), np.uint8)

    def _write(self, pixels: NDArray[np.uint8], text: str) -> None:
        at = (round(24 * self._size), round(60 * self._size))
        for colour, width in ((_EDGE, 5), (_INK, 2)):
            cv2.putText(pixels, text, at, cv2.FONT_HERSHEY_SIMPLEX, 2 * self._size, colour, width, cv2.LINE_AA)
