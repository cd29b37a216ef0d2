"""Model versions, and which of them answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here
from sightloop.errors import NotFound
from sightloop.store import deployments, versions
from sightloop.values.deployment import Deployment
from sightloop.values.version import ModelVersion

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

router = APIRouter(tags=["models"])


class Choice(BaseModel):
    """Who changes the deployment, and why; `force` promotes a version that the gate refused."""

    model_config = ConfigDict(extra="forbid")

    author: str = Field(default="api", max_length=200)
    reason: str = Field(default="by hand", max_length=2000)
    force: bool = False


class Models(Struct, frozen=True, kw_only=True):
    """A project's versions, newest first, and the deployment that says which of them answers."""

    models: list[ModelVersion]
    deployment: Deployment | None


@router.get("/v1/{project}/models", summary="List versions", responses=returns(Models, "The versions, newest first."))
def page(service: Here, project: str) -> Response:
    """All versions of a project."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        found = list(versions.list(connection, project))
        return answer(Models(models=found, deployment=deployments.current(connection, project)))


@router.get("/v1/{project}/models/{number}", summary="Show a version", responses=returns(ModelVersion, "The version."))
def get(service: Here, project: str, number: Number) -> Response:
    """One version: its scores, its data, its package, and what the gate decided."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        return answer(versions.get(connection, project, number))


@router.post(
    "/v1/{project}/models/{number}/promote",
    summary="Promote a version",
    responses=returns(Deployment, "The new deployment."),
)
def promote(service: Here, project: str, number: Number, choice: Choice | None = None) -> Response:
    """Make a version the champion. Servers take it into use within `poll_seconds`."""
    service.parts.recipe(project)
    choice = choice or Choice()
    with service.database.write() as connection:
        deployed = deployments.promote(
            connection,
            project,
            number,
            choice.author,
            choice.reason,
            force=choice.force,
            licences=service.settings.licences,
        )
    return answer(deployed)


@router.post("/v1/{project}/rollback", summary="Roll back", responses=returns(Deployment, "The new deployment."))
def rollback(service: Here, project: str, choice: Choice | None = None) -> Response:
    """Go back to the champion before this one."""
    service.parts.recipe(project)
    choice = choice or Choice()
    with service.database.write() as connection:
        return answer(deployments.rollback(connection, project, choice.author, choice.reason))


@router.get(
    "/v1/{project}/deployment", summary="Show the deployment", responses=returns(Deployment, "Who answers now.")
)
def current(service: Here, project: str) -> Response:
    """Who answers for a project."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        found = deployments.current(connection, project)
    if found is None:
        raise NotFound(f"{project} has no deployment yet", hint=f"Train a model: sightloop train {project}.")
    return answer(found)
