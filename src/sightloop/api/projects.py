"""Projects, and what was predicted for each."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from msgspec import Struct
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here
from sightloop.store import predictions
from sightloop.values.recipe import Input
from sightloop.values.sample import Place

router = APIRouter(tags=["projects"])


class Project(Struct, frozen=True, kw_only=True):
    """A project: what it takes, which classes it tells apart, and the version that answers here (None: none)."""

    name: str
    title: str
    task: str
    input: Input
    classes: tuple[str, ...]
    version: int | None


class Projects(Struct, frozen=True, kw_only=True):
    """All projects; `default` is the one behind the plain routes."""

    projects: list[Project]
    default: str


class Kept(Struct, frozen=True, kw_only=True):
    """A recorded prediction: a classifier's answer, or a detector's with `boxes`, and the digest of its input."""

    id: str
    project: str
    version: int
    answer: dict[str, Any]
    at: str
    digest: str | None
    place: Place | None


class PredictionPage(Struct, frozen=True, kw_only=True):
    """Predictions, newest first; `next` is the cursor for those before them."""

    predictions: list[Kept]
    next: str | None


@router.get("/v1/projects", summary="List projects", responses=returns(Projects, "All projects."))
def page(service: Here) -> Response:
    """All projects that this server knows."""
    serving = service.live.serving()
    found = [
        Project(
            name=recipe.name,
            title=recipe.title,
            task=recipe.task,
            input=recipe.input,
            classes=recipe.classes,
            version=serving[name].deployment.champion.version if name in serving else None,
        )
        for name, recipe in sorted(service.parts.recipes.items())
    ]
    return answer(Projects(projects=found, default=service.settings.default_project))


@router.get(
    "/v1/{project}/predictions",
    summary="List predictions",
    responses=returns(PredictionPage, "Predictions, newest first."),
)
def predicted(
    service: Here, project: str, before: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> Response:
    """What was predicted, newest first."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        found = predictions.page(connection, project, before, limit)
    kept = [msgspec.convert(msgspec.to_builtins(one), Kept) for one in found]
    return answer(PredictionPage(predictions=kept, next=found[-1].id if len(found) == limit else None))
