"""What a person should label next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here
from sightloop.loop.samples.queue import Asking

SECONDS = 5.0
"""How long one request looks at inputs that the champion has not seen yet."""

Limit = Annotated[int, Query(ge=1, le=200)]

router = APIRouter(tags=["feedback"])


@router.get(
    "/v1/{project}/queue", summary="What to label next", responses=returns(Asking, "Predictions, most useful first.")
)
def page(service: Here, project: str, limit: Limit = 20) -> Response:
    """The predictions whose correction teaches most: those in doubt, and unlike each other.

    Correct one with `POST /v1/predictions/{id}/feedback`; it then leaves the queue.
    """
    service.parts.recipe(project)
    return answer(service.queue.ask(project, limit, SECONDS))
