"""The page on which a browser's camera is answered: one file that fetches nothing, over the project's live stream."""

from __future__ import annotations

import secrets
from html import escape
from importlib import resources
from string import Template

from fastapi import APIRouter
from starlette.responses import Response

from sightloop import plugins
from sightloop.api.service import Here
from sightloop.values.recipe import Recipe

SIDES = (320, 1280)
"""The least and the most pixels on the longer side of a frame that is sent."""
_USUAL_SIDE = 640
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(tags=["live"])


@router.get(
    "/v1/{project}/live",
    summary="Watch a camera in the browser",
    responses={200: {"description": "One HTML page that fetches nothing.", "content": {"text/html": {}}}},
)
def viewer(service: Here, project: str) -> Response:
    """A page that sends the browser's camera to the project's stream and draws what it says over the picture."""
    nonce = secrets.token_urlsafe(16)
    headers = {
        "content-security-policy": _POLICY.format(nonce=nonce),
        "permissions-policy": "camera=(self), microphone=()",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return Response(render(service.parts.recipe(project), nonce), headers=headers, media_type="text/html")


def render(recipe: Recipe, nonce: str) -> str:
    """The page of a project; `nonce` is what its Content-Security-Policy lets styles and scripts through by."""
    room = resources.files("sightloop.api")
    page = Template(room.joinpath("viewer.html").read_text(encoding="utf-8"))
    return page.substitute(
        project=escape(recipe.name),
        title=escape(recipe.title or recipe.name),
        side=_side(recipe),
        boxed=str(plugins.load("tasks", recipe.task).boxed).lower(),
        nonce=nonce,
        script=room.joinpath("viewer.js").read_text(encoding="utf-8"),
    )


def _side(recipe: Recipe) -> int:
    """More pixels than the model takes would only be carried and thrown away."""
    if recipe.input.kind != "image":
        return _USUAL_SIDE
    least, most = SIDES
    rows, columns = recipe.input.tiles
    return min(max(rows * recipe.input.height, columns * recipe.input.width, least), most)
