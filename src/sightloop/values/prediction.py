"""A prediction: what a model answered, under an id by which it can be corrected."""

from __future__ import annotations

from msgspec import Struct


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


class Prediction(Struct, frozen=True, kw_only=True):
    """One answer with its id (UUIDv7), who gave it (model version), and when (ISO 8601, UTC)."""

    id: str
    project: str
    version: int
    answer: Answer
    at: str
    sample: str | None = None
