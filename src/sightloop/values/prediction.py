"""A prediction: what a model answered, under an id by which it can be corrected."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from sightloop.values.box import Box, agree, described


class Answer(Struct, frozen=True, kw_only=True):
    """A classifier's answer: the class, how sure the model is, and the project's command for that class.

    `probabilities` are in the order of the classes, `index` is the class's place in them, `confidence` the largest;
    `command` is None where the project names none for the class.
    """

    label: str
    index: int
    confidence: float
    probabilities: list[float]
    command: str | None = None


class Detections(Struct, frozen=True, kw_only=True):
    """A detector's answer: boxes in pixels of the picture as it was sent (`width` x `height`), the surest first."""

    boxes: list[Box]
    width: int
    height: int

    @property
    def label(self) -> str:
        """What was found, in short, where a classifier's answer has its class."""
        return described(self.boxes)

    @property
    def confidence(self) -> float:
        """The best box's score, or 0 where there is none."""
        return max((box.score for box in self.boxes), default=0.0)


def answer_of(table: dict[str, Any]) -> Answer | Detections:
    """The answer in the plain values that it was stored as."""
    if "boxes" in table:
        return msgspec.convert(table, Detections)
    return msgspec.convert(table, Answer)


def is_right(answer: Answer | Detections, label: str, boxes: tuple[Box, ...] | None) -> bool:
    """Whether an answer is what a person says: the same class, or boxes that agree with theirs."""
    if isinstance(answer, Detections):
        return boxes is not None and agree(answer.boxes, boxes)
    return boxes is None and answer.label == label


class Prediction(Struct, frozen=True, kw_only=True):
    """One answer with its id (UUIDv7), who gave it (model version), and when (ISO 8601, UTC)."""

    id: str
    project: str
    version: int
    answer: Answer | Detections
    at: str
