"""The predict routes: ASGI without a framework, whose share of a small request would be larger than the model's.

They answer in front of FastAPI and are described in the same OpenAPI document.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from sightloop.api import body, sent
from sightloop.api.answers import reference
from sightloop.api.body import Receive, Scope
from sightloop.api.service import Service
from sightloop.errors import BadInput
from sightloop.values.prediction import Prediction

_PATH = re.compile(r"/v1/([^/]+)/predict")


class Predicted(Struct, frozen=True, kw_only=True):
    """A prediction as the API shows it."""

    id: str
    project: str
    version: int
    label: str
    index: int
    confidence: float
    probabilities: list[float]
    command: str | None
    at: str


class Predictions(Struct, frozen=True, kw_only=True):
    """The predictions of one request, in the order of its inputs."""

    predictions: list[Predicted]


class Plain(Struct, frozen=True, kw_only=True):
    """A prediction as the plain `/predict` shows it; `prediction` is the class's place in the list of classes."""

    status: str
    prediction: int
    label: str
    confidence: float
    probabilities: list[float]
    probs: list[list[float]]
    command: str | None
    id: str
    version: int


def shown(prediction: Prediction) -> Predicted:
    """The prediction as the API shows it."""
    answer = prediction.answer
    return Predicted(
        id=prediction.id,
        project=prediction.project,
        version=prediction.version,
        label=answer.label,
        index=answer.index,
        confidence=answer.confidence,
        probabilities=answer.probabilities,
        command=answer.command,
        at=prediction.at,
    )


def matches(path: str) -> bool:
    """Whether a path is one of the predict routes."""
    return path == "/predict" or _PATH.fullmatch(path) is not None


async def respond(service: Service, scope: Scope, receive: Receive) -> bytes:
    """The JSON that answers a predict request. Raises what `sent.read` and `Predictor.predict` raise."""
    found = _PATH.fullmatch(scope["path"])
    settings = service.settings
    content = await body.read(body.limited(scope, receive, settings.max_request_bytes))
    inputs = sent.read(body.header(scope, b"content-type"), content, most=settings.max_items)
    if found is None:
        return msgspec.json.encode(await _plain(service, inputs))
    made = await service.predictor.predict(found[1], inputs.kind, inputs.contents)
    return msgspec.json.encode(Predictions(predictions=[shown(one) for one in made]))


async def _plain(service: Service, inputs: sent.Sent) -> Plain:
    if len(inputs.contents) != 1:
        raise BadInput(
            "/predict answers one input at a time",
            expected="1",
            got=str(len(inputs.contents)),
            hint="Send many to /v1/{project}/predict.",
        )
    (made,) = await service.predictor.predict(service.settings.default_project, inputs.kind, inputs.contents)
    answer = made.answer
    return Plain(
        status="ok",
        prediction=answer.index,
        label=answer.label,
        confidence=answer.confidence,
        probabilities=answer.probabilities,
        probs=[answer.probabilities],
        command=answer.command,
        id=made.id,
        version=made.version,
    )


_FILES = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "An image (JPEG, PNG, WebP, BMP)."},
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "Many images."},
    },
}
REQUEST: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FILES},
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/json": {"schema": reference(sent.Items)},
    },
}


def paths(problems: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI description of the predict routes; `problems` are the answers that every route may give."""
    project = {"name": "project", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/{project}/predict": {
            "post": _operation("Predict", Predictions, "The class of each input.", problems) | {"parameters": [project]}
        },
        "/predict": {"post": _operation("Predict (default project)", Plain, "The class of one input.", problems)},
    }


def _operation(summary: str, kind: Any, description: str, problems: dict[str, Any]) -> dict[str, Any]:
    answer = {"description": description, "content": {"application/json": {"schema": reference(kind)}}}
    return {
        "tags": ["predict"],
        "summary": summary,
        "operationId": re.sub(r"\W+", "_", summary.lower()).strip("_"),
        "requestBody": REQUEST,
        "responses": {"200": answer} | problems,
    }
