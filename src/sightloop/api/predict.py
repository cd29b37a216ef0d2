"""The predict routes: ASGI without a framework, whose share of a small request would be larger than the model's.

They answer in front of FastAPI and are described in the same OpenAPI document.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Self
from urllib.parse import parse_qs

import msgspec
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct

from sightloop import plugins
from sightloop.api import body, sent
from sightloop.api.answers import reference
from sightloop.api.body import Receive, Scope
from sightloop.api.service import Service
from sightloop.errors import BadInput
from sightloop.tasks.drawing import draw
from sightloop.values.box import Box
from sightloop.values.image import Image
from sightloop.values.prediction import Answer, Detections, Prediction
from sightloop.values.recipe import Recipe

JSON, JPEG = b"application/json", b"image/jpeg"
_LARGE = 2**20
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

    @classmethod
    def of(cls, made: Prediction, answer: Answer) -> Self:
        """A classifier's prediction."""
        return cls(
            id=made.id,
            project=made.project,
            version=made.version,
            label=answer.label,
            index=answer.index,
            confidence=answer.confidence,
            probabilities=answer.probabilities,
            command=answer.command,
            at=made.at,
        )


class Detected(Struct, frozen=True, kw_only=True):
    """A detector's prediction as the API shows it: boxes in pixels of the picture, which is `width` x `height`."""

    id: str
    project: str
    version: int
    boxes: list[Box]
    width: int
    height: int
    at: str

    @classmethod
    def of(cls, made: Prediction, answer: Detections) -> Self:
        """A detector's prediction."""
        return cls(
            id=made.id,
            project=made.project,
            version=made.version,
            boxes=answer.boxes,
            width=answer.width,
            height=answer.height,
            at=made.at,
        )


class Pictures(Struct, frozen=True, kw_only=True):
    """What was found in the pictures of one request, in their order."""

    predictions: list[Detected]


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

    @classmethod
    def of(cls, made: Prediction, answer: Answer) -> Self:
        """A classifier's prediction."""
        return cls(
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


def shown(made: Prediction) -> Predicted | Detected:
    """The prediction as the API shows it."""
    answer = made.answer
    return Detected.of(made, answer) if isinstance(answer, Detections) else Predicted.of(made, answer)


def matches(path: str) -> bool:
    """Whether a path is one of the predict routes."""
    return path == "/predict" or _PATH.fullmatch(path) is not None


async def respond(service: Service, scope: Scope, receive: Receive) -> tuple[bytes, bytes]:
    """The content type and content that answer a predict request: JSON, or the drawn picture as JPEG.

    Raises what `sent.read` and `Predictor.predict` raise, and BadInput where there is nothing to draw.
    """
    found = _PATH.fullmatch(scope["path"])
    settings = service.settings
    content = await body.read(body.limited(scope, receive, settings.max_request_bytes))
    read = partial(sent.read, body.header(scope, b"content-type"), content, most=settings.max_items)
    # To take a large form or its base64 apart keeps other requests waiting; for a small one the way there takes longer.
    inputs = read() if len(content) < _LARGE else await run_in_threadpool(read)
    if found is None:
        return JSON, msgspec.json.encode(await _plain(service, inputs))
    picture = _wants_picture(scope)
    if picture:
        _refuse_undrawable(service.parts.recipe(found[1]), inputs)
    made = await service.predictor.predict(found[1], inputs.kind, inputs.contents)
    if picture:
        return JPEG, await run_in_threadpool(_drawn, service, made[0], inputs.contents[0])
    return JSON, msgspec.json.encode({"predictions": [shown(one) for one in made]})


def _wants_picture(scope: Scope) -> bool:
    query = scope.get("query_string") or b""
    asked = parse_qs(query.decode("latin-1")).get("draw", ["0"])[-1] if query else "0"
    return asked not in ("0", "false") or body.header(scope, b"accept").partition(";")[0].strip() == "image/jpeg"


def _refuse_undrawable(recipe: Recipe, inputs: sent.Sent) -> None:
    if len(inputs.contents) != 1 or not plugins.load("tasks", recipe.task).boxed:
        raise BadInput(
            "there is nothing to draw",
            expected="one picture, sent to a project of the task detection",
            got=f"{len(inputs.contents)}, sent to a project of the task {recipe.task}",
        )


def _drawn(service: Service, made: Prediction, content: bytes) -> bytes:
    image = Image.decode(content, max_pixels=service.settings.max_image_pixels)
    boxes = made.answer.boxes if isinstance(made.answer, Detections) else ()
    return draw(image, boxes, service.parts.recipe(made.project).classes).as_jpeg()


async def _plain(service: Service, inputs: sent.Sent) -> Plain | Detected:
    if len(inputs.contents) != 1:
        raise BadInput(
            "/predict answers one input at a time",
            expected="1",
            got=str(len(inputs.contents)),
            hint="Send many to /v1/{project}/predict.",
        )
    (made,) = await service.predictor.predict(service.settings.default_project, inputs.kind, inputs.contents)
    answer = made.answer
    return Detected.of(made, answer) if isinstance(answer, Detections) else Plain.of(made, answer)


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
    draw = {
        "name": "draw",
        "in": "query",
        "schema": {"type": "boolean", "default": False},
        "description": "Of a detector: the picture with its boxes, as JPEG. `Accept: image/jpeg` asks for it too.",
    }
    many = _operation("Predict", (Predictions, Pictures), "The class, or boxes, of each input.", problems)
    many["responses"]["200"]["content"]["image/jpeg"] = {"schema": {"type": "string", "format": "binary"}}
    return {
        "/v1/{project}/predict": {"post": many | {"parameters": [project, draw]}},
        "/predict": {
            "post": _operation("Predict (default project)", (Plain, Detected), "The class, or boxes, of one.", problems)
        },
    }


def _operation(summary: str, kinds: tuple[Any, ...], description: str, problems: dict[str, Any]) -> dict[str, Any]:
    schema = {"anyOf": [reference(kind) for kind in kinds]}
    answer = {"description": description, "content": {"application/json": {"schema": schema}}}
    return {
        "tags": ["predict"],
        "summary": summary,
        "operationId": re.sub(r"\W+", "_", summary.lower()).strip("_"),
        "requestBody": REQUEST,
        "responses": {"200": answer} | problems,
    }
