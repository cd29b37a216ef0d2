"""The page at `/`: a picture or a video is chosen, and what a project's model sees in it is shown."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from sightloop.api import pages
from sightloop.api.service import Here

router = APIRouter(tags=["trial"])


@router.get(
    "/",
    summary="Try a model in the browser",
    responses={200: {"description": "One HTML page that fetches nothing.", "content": {"text/html": {}}}},
)
def trial(service: Here, project: str = "") -> Response:
    """A page that sends a picture or a video to a project, the default one if left out, and shows its answer."""
    recipe = service.parts.recipe(project or service.settings.default_project)
    titles = {name: one.title or name for name, one in sorted(service.parts.recipes.items())}
    names = "\n".join(f"{name}\t{title}" for name, title in titles.items())
    classes = "\n".join(recipe.classes)
    return pages.answer("trial", project=recipe.name, title=titles[recipe.name], projects=names, classes=classes)
