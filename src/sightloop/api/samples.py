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

_AUTHOR_CHARACTERS = 200
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
        "author": {"type": "string", "description": "Who labelled them; `?author=` says it of a zip archive too."},
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
async def add(service: Here, project: str, request: Request, author: str = "") -> Response:
    """Store labelled images or landmarks, many at once, or a zip archive with a folder of images for each class.

    The same again changes nothing, so what was cut off is sent again whole. `author` is who labelled them.
    """
    return answer(await take_in(service, project, request, author))


async def take_in(service: Service, project: str, request: Request, author: str) -> Collected:
    """Store what a request brings, labelled by `author` or by whom it names itself.

    Raises BadInput where there is something and nothing of it can be taken in.
    """
    recipe = service.parts.recipe(project)
    # Not `request.body()`: FastAPI would keep a second copy of it.
    came = await body.read(request.receive)
    kind = request.headers.get("content-type", "")
    read = _archived if kind.partition(";")[0].strip().lower() in ARCHIVES else _listed

    def store() -> Collected:
        items, named = read(service.settings, recipe, kind, came)
        return collect(
            service.database,
            service.blobs,
            recipe,
            items,
            author=_checked(author or named),
            source="upload",
            max_pixels=service.settings.max_image_pixels,
        )

    collected = await run_in_threadpool(store)
    if collected.rejected and not collected.added + collected.known:
        raise BadInput(f"none of the {len(collected.rejected)} items can be taken in", got=collected.rejected[0].reason)
    return collected


def _checked(author: str) -> str:
    if len(author) > _AUTHOR_CHARACTERS:
        raise BadInput(
            "the author is too long", expected=f"at most {_AUTHOR_CHARACTERS} characters", got=str(len(author))
        )
    return author


def _listed(settings: Settings, recipe: Recipe, kind: str, came: bytes) -> tuple[Iterable[Labelled], str]:
    inputs = sent.read(kind, came, most=settings.max_items)
    _refuse_kind(recipe, inputs.kind)
    boxed = plugins.load("tasks", recipe.task).boxed
    return _boxed(inputs) if boxed else _labelled(inputs, recipe.classes), inputs.author


def _archived(settings: Settings, recipe: Recipe, _kind: str, came: bytes) -> tuple[Iterable[Labelled], str]:
    """The images of a zip archive, expanded one after the other while they are stored; it names no author."""
    _refuse_kind(recipe, "image")
    look = boxes.of if plugins.load("tasks", recipe.task).boxed else sources.images
    return look(zips.tree(io.BytesIO(came), "upload", most_bytes=settings.max_expanded_bytes)), ""


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
