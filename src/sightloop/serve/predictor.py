"""The answer path: bytes in, predictions out."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Literal

from sightloop.errors import BadInput
from sightloop.serve.live import Live
from sightloop.serve.model import Model
from sightloop.serve.recorder import Recorder
from sightloop.telemetry import Telemetry
from sightloop.values.prediction import Prediction

Kind = Literal["image", "landmarks"]


class Predictor:
    """Answers requests with the models that are live."""

    def __init__(self, live: Live, recorder: Recorder, telemetry: Telemetry) -> None:
        self._live = live
        self._recorder = recorder
        self._telemetry = telemetry

    async def predict(
        self,
        project: str,
        kind: Kind,
        contents: Sequence[bytes],
        *,
        ticket: float | None = None,
        record: bool = True,
    ) -> list[Prediction]:
        """A prediction for each of the contents: image files, or landmarks as `Landmarks.to_bytes` writes them.

        Of image files that are sent to a project of landmarks the hands are found first, and recorded in their place.
        Those with the same `ticket` in [0, 1) are answered by the same member of a deployment. Raises BadInput,
        NotFound, NotReady, Busy, and MissingExtra where hands cannot be found.
        """
        began = time.perf_counter()
        model = self._live.choose(project, draw() if ticket is None else ticket)
        if kind == "image" and model.card.input.kind == "landmarks":
            kind, contents = "landmarks", await model.hands(contents)
        _refuse_other(kind, model)
        prepared = await model.prepare(contents)
        answers = await model.answer(prepared)
        predictions = [model.prediction(rows, one.size) for rows, one in zip(answers, prepared, strict=True)]
        if record:
            self._recorder.take(predictions, contents)
        self._telemetry.latency(project).observe(time.perf_counter() - began)
        self._telemetry.predictions(project).inc(len(predictions))
        if kind == "landmarks":
            self._telemetry.last_hand = prepared[-1].inputs[0]
        return predictions


def draw() -> float:
    """A ticket: whose turn it is among a deployment's members."""
    return random.random()  # noqa: S311 -- a share of the traffic, no secret


def _refuse_other(kind: Kind, model: Model) -> None:
    if kind != model.card.input.kind:
        raise BadInput(f"{model.project} does not take {kind}", expected=model.card.input.kind, got=kind)
