"""The way in for labelled samples."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from sightloop.api import body, sent
from sightloop.api.answers import answer, reference, returns
from sightloop.api.sent import Sent
from sightloop.api.service import Here, Service
from sightloop.errors import BadInput
from sightloop.loop.collect import Collected, collect
from sightloop.values.sample import Labelled
from sightloop.values.table import nearest

router = APIRouter(tags=["samples"])

_FORM = {
    "type": "object",
    "required": ["files", "labels"],
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "labels": {
            "type": "array",
            "items": {"type": "string"},
            "description": "A label for each file, in their order; or one field that lists them by commas or as JSON.",
        },
    },
}
REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": reference(sent.Items)},
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
    """Store labelled images or landmarks, many at once. The same again changes nothing."""
    return answer(await take_in(service, project, request))


async def take_in(service: Service, project: str, request: Request) -> Collected:
    """Store what a request brings. Raises BadInput where not one item can be taken in."""
    recipe = service.parts.recipe(project)
    # Not `request.body()`: FastAPI would keep a second copy of it.
    came = await body.read(request.receive)
    inputs = sent.read(request.headers.get("content-type", ""), came, most=service.settings.max_items)
    if inputs.kind != recipe.input.kind:
        raise BadInput(f"{project} does not take {inputs.kind}", expected=recipe.input.kind, got=inputs.kind)
    collected = await run_in_threadpool(
        collect,
        service.database,
        service.blobs,
        recipe,
        _labelled(inputs, recipe.classes),
        author="",
        source="upload",
        max_pixels=service.settings.max_image_pixels,
    )
    if len(collected.rejected) == len(inputs.contents):
        raise BadInput(f"none of the {len(inputs.contents)} items can be taken in", got=collected.rejected[0].reason)
    return collected


def _labelled(inputs: Sent, classes: tuple[str, ...]) -> list[Labelled]:
    labels = [label for label in inputs.labels if label]
    if len(labels) < len(inputs.contents):
        raise BadInput(
            "every sample needs a label",
            expected=f"{len(inputs.contents)} labels",
            got=str(len(labels)),
            hint=f"A label {nearest('', classes)}.",
        )
    return [
        Labelled(content=content, label=label, origin="upload")
        for content, label in zip(inputs.contents, labels, strict=True)
    ]
