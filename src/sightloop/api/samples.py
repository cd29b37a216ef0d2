"""The way in for labelled samples."""

from __future__ import annotations

import io
from collections.abc import Iterable

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from sightloop import plugins
from sightloop.api import body, sent
from sightloop.api.answers import answer, reference, returns
from sightloop.api.sent import Sent
from sightloop.api.service import Here, Service
from sightloop.data import boxes, sources, zips
from sightloop.errors import BadInput
from sightloop.loop.samples.collect import Collected, collect
from sightloop.serve.predictor import Kind
from sightloop.settings import Settings
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled

ARCHIVES = ("application/zip", "application/x-zip-compressed")

router = APIRouter(tags=["samples"])

_FORM = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "labels": {
            "type": "array",
            "items": {"type": "string"},
            "description": "A label for each file, in their order; or one field that lists them by commas or as JSON.",
        },
        "boxes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "For a detector: a JSON list of boxes for each file, in their order; empty for nothing.",
        },
    },
}
REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": reference(sent.Items)},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "/v1/{project}/samples",
    summary="Add labelled samples",
    responses=returns(Collected, "What became of each."),
    openapi_extra=REQUEST,
)
async def add(service: Here, project: str, request: Request) -> Response:
    """Store labelled images or landmarks, many at once, or a zip archive with a folder of images for each class.

    The same again changes nothing, so what was cut off is sent again whole.
    """
    return answer(await take_in(service, project, request))


async def take_in(service: Service, project: str, request: Request) -> Collected:
    """Store what a request brings. Raises BadInput where there is something and nothing of it can be taken in."""
    recipe = service.parts.recipe(project)
    # Not `request.body()`: FastAPI would keep a second copy of it.
    came = await body.read(request.receive)
    kind = request.headers.get("content-type", "")
    read = _archived if kind.partition(";")[0].strip().lower() in ARCHIVES else _listed
    collected = await run_in_threadpool(
        lambda: collect(
            service.database,
            service.blobs,
            recipe,
            read(service.settings, recipe, kind, came),
            author="",
            source="upload",
            max_pixels=service.settings.max_image_pixels,
        )
    )
    if collected.rejected and not collected.added + collected.known:
        raise BadInput(f"none of the {len(collected.rejected)} items can be taken in", got=collected.rejected[0].reason)
    return collected


def _listed(settings: Settings, recipe: Recipe, kind: str, came: bytes) -> Iterable[Labelled]:
    inputs = sent.read(kind, came, most=settings.max_items)
    _refuse_kind(recipe, inputs.kind)
    if plugins.load("tasks", recipe.task).boxed:
        return _boxed(inputs)
    return _labelled(inputs, recipe.classes)


def _archived(settings: Settings, recipe: Recipe, _kind: str, came: bytes) -> Iterable[Labelled]:
    """The images of a zip archive, expanded one after the other while they are stored."""
    _refuse_kind(recipe, "image")
    look = boxes.of if plugins.load("tasks", recipe.task).boxed else sources.images
    return look(zips.tree(io.BytesIO(came), "upload", most_bytes=settings.max_expanded_bytes))


def _refuse_kind(recipe: Recipe, kind: Kind) -> None:
    if kind != recipe.input.kind:
        raise BadInput(f"{recipe.name} does not take {kind}", expected=recipe.input.kind, got=kind)


def _boxed(inputs: Sent) -> list[Labelled]:
    if any(drawn is None for drawn in inputs.boxes):
        raise BadInput(
            "every picture needs its boxes",
            expected=f"{len(inputs.contents)} lists of boxes",
            got=str(sum(drawn is not None for drawn in inputs.boxes)),
            hint="Send an empty list where nothing is to be seen.",
        )
    return [
        Labelled(content=content, label="", origin="upload", boxes=drawn)
        for content, drawn in zip(inputs.contents, inputs.boxes, strict=True)
    ]


def _labelled(inputs: Sent, classes: tuple[str, ...]) -> list[Labelled]:
    labels = [label for label in inputs.labels if label]
    if len(labels) < len(inputs.contents):
        raise BadInput(
            "every sample needs a label",
            expected=f"{len(inputs.contents)} labels",
            got=str(len(labels)),
            hint=f"Labels are {', '.join(classes)}.",
        )
    return [
        Labelled(content=content, label=label, origin="upload")
        for content, label in zip(inputs.contents, labels, strict=True)
    ]
