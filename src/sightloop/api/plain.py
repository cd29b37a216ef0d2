"""The plain routes at the root, for the default project; `/predict` is in `predict.py`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from starlette.responses import Response

from sightloop.api import runs
from sightloop.api.answers import answer, returns
from sightloop.api.samples import REQUEST, take_in
from sightloop.api.service import Here, Service
from sightloop.errors import Cancelled, SightloopError
from sightloop.loop.samples.collect import Rejection
from sightloop.store import versions
from sightloop.values.run import Run, Status
from sightloop.values.version import ModelVersion

router = APIRouter(tags=["plain"])


class Uploaded(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many images were taken in, and which were not."""

    message: str
    count: int
    rejected: tuple[Rejection, ...] = ()


class Retrained(Struct, frozen=True, kw_only=True):
    """How a retraining ended; `accuracy` is of the new model on the samples kept for testing, `version` its number.

    A detector's is its mean average precision at an overlap of a half.
    """

    message: str
    accuracy: float | None
    epochs: int | None
    version: int | None
    run: str


@router.post(
    "/upload",
    summary="Upload (default project)",
    responses=returns(Uploaded, "What was taken in."),
    openapi_extra=REQUEST,
)
async def upload(service: Here, request: Request, author: str = "") -> Response:
    """Store labelled images of the default project: fields `files` and `labels`, and `author`, who labelled them."""
    collected = await take_in(service, service.settings.default_project, request, author)
    count = collected.added + collected.known
    message = f"Uploaded {count} {'image' if count == 1 else 'images'} successfully"
    if collected.rejected:
        message += f"; {len(collected.rejected)} rejected"
    return answer(Uploaded(message=message, count=count, rejected=collected.rejected))


@router.post("/retrain", summary="Retrain and wait (default project)", responses=returns(Retrained, "How it ended."))
async def retrain(service: Here) -> Response:
    """Retrain the default project and wait for it; the new model serves when the answer comes, if it is better."""
    run = await runs.start(service, service.settings.default_project, "api")
    run = await runs.wait_for(service, run.id)
    if run.status is Status.CANCELLED:
        raise Cancelled(f"run {run.id} was cancelled")
    if run.status is Status.FAILED:
        raise SightloopError(f"the retraining failed: {run.error}", hint=f"See /v1/runs/{run.id}/events.")
    return answer(_retrained(run, await run_in_threadpool(_version, service, run)))


def _version(service: Service, run: Run) -> ModelVersion | None:
    with service.database.read() as connection:
        return next((found for found in versions.list(connection, run.project) if found.run == run.id), None)


def _retrained(run: Run, version: ModelVersion | None) -> Retrained:
    message = "Model retrained successfully"
    if run.status is Status.REFUSED:
        message = f"Model retrained, but not taken into use: {version.reason if version else run.error}"
    numbers = version.card.numbers if version else {}
    return Retrained(
        message=message,
        accuracy=numbers.get("accuracy", numbers.get("map50")),
        epochs=version.card.epochs if version else None,
        version=version.number if version else None,
        run=run.id,
    )
