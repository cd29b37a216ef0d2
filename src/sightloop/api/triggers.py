"""What would start a project's loop by itself."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from msgspec import Struct
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here
from sightloop.loop.triggers.trigger import Look
from sightloop.loop.triggers.watch import Standing, watch
from sightloop.store import runs

router = APIRouter(tags=["runs"])


class Watched(Struct, frozen=True, kw_only=True):
    """Every trigger that the project's recipe uses, by name."""

    triggers: list[Standing]


@router.get(
    "/v1/{project}/triggers", summary="Show the triggers", responses=returns(Watched, "How each trigger stands.")
)
def page(service: Here, project: str) -> Response:
    """What each trigger sees against its level, and why it does not start a run now. Only a worker starts one."""
    recipe, now = service.parts.recipe(project), datetime.now(UTC)
    with service.database.read() as connection:
        found = watch(Look(recipe, connection, runs.last(connection, project), now, now))
    return answer(Watched(triggers=found))
