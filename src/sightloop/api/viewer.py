"""The page on which a browser's camera is answered, over the project's live stream."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sightloop import plugins
from sightloop.api import pages
from sightloop.api.service import Here
from sightloop.values.recipe import Recipe

SIDES = (320, 1280)
"""The least and the most pixels on the longer side of a frame that is sent."""
_USUAL_SIDE = 640

router = APIRouter(tags=["live"])


@router.get(
    "/v1/{project}/live",
    summary="Watch a camera in the browser",
    responses={200: {"description": "One HTML page that fetches nothing.", "content": {"text/html": {}}}},
)
def viewer(service: Here, project: str) -> Response:
    """A page that sends the browser's camera to the project's stream and draws what it says over the picture."""
    return render(service.parts.recipe(project))


def render(recipe: Recipe) -> Response:
    """The page of a project."""
    return pages.answer(
        "viewer",
        camera=True,
        project=recipe.name,
        title=recipe.title or recipe.name,
        side=str(_side(recipe)),
        boxed=str(plugins.load("tasks", recipe.task).boxed).lower(),
    )


def _side(recipe: Recipe) -> int:
    """More pixels than the model takes would only be carried and thrown away."""
    if recipe.input.kind != "image":
        return _USUAL_SIDE
    least, most = SIDES
    rows, columns = recipe.input.tiles
    return min(max(rows * recipe.input.height, columns * recipe.input.width, least), most)
