"""The application: FastAPI for most routes, the predict routes in front of it, one OpenAPI document for both."""

from __future__ import annotations

import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from types import FrameType
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sightloop import __version__
from sightloop.api import (
    datasets,
    feedback,
    health,
    models,
    plain,
    predict,
    problems,
    projects,
    queue,
    runs,
    samples,
    sent,
    stream,
    trial,
    triggers,
    videos,
    viewer,
)
from sightloop.api.answers import reference, schemas
from sightloop.api.body import CLIENT_GONE, Gone
from sightloop.api.front import Front
from sightloop.api.service import Service
from sightloop.data.checks import Findings
from sightloop.errors import SightloopError
from sightloop.loop.samples.collect import Collected
from sightloop.loop.samples.lineage import OfSample
from sightloop.loop.samples.queue import Asking
from sightloop.loop.why import Why
from sightloop.settings import Settings
from sightloop.values.dataset import DatasetVersion
from sightloop.values.deployment import Deployment
from sightloop.values.run import Run
from sightloop.values.version import ModelVersion

PROBLEMS: dict[str, Any] = {
    status: {
        "description": description,
        "content": {problems.MEDIA_TYPE: {"schema": reference(problems.Problem)}},
    }
    for status, description in (
        ("4XX", "What was sent cannot be used; the problem says what was expected."),
        ("5XX", "The server cannot answer now, or made a mistake."),
    )
}
# Fixed paths first: `/v1/runs/...` is no project.
_ROOMS = (
    runs,
    videos,
    feedback,
    queue,
    projects,
    models,
    samples,
    plain,
    health,
    stream,
    viewer,
    trial,
    datasets,
    triggers,
)
_SHOWN = (
    datasets.Datasets,
    datasets.Changes,
    datasets.SeenByModel,
    triggers.Watched,
    OfSample,
    Findings,
    DatasetVersion,
    problems.Problem,
    predict.Predictions,
    predict.Pictures,
    predict.Detected,
    predict.Plain,
    sent.Items,
    feedback.Corrected,
    Asking,
    Why,
    Collected,
    Run,
    runs.RunPage,
    ModelVersion,
    models.Models,
    Deployment,
    videos.Shown,
    videos.VideoPage,
    projects.Projects,
    projects.PredictionPage,
    health.Health,
    plain.Uploaded,
    plain.Retrained,
)


def create(settings: Settings) -> Front:
    """The ASGI application over these settings; its lifespan opens the models and records what waits at the end."""
    service = Service(settings)
    app = FastAPIOffline(
        title="sightloop",
        version=__version__,
        summary="The closed loop for vision models.",
        redoc_url=None,
        responses=dict(PROBLEMS),
        lifespan=_lifespan,
    )
    app.state.service = service
    for room in _ROOMS:
        app.include_router(room.router)
    for kind in (SightloopError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, problems.handle)
    app.add_exception_handler(Gone, _answer_nobody)
    app.openapi = _described(app.openapi)  # type: ignore[method-assign]
    return Front(app, service)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    if threading.current_thread() is threading.main_thread():
        _hear_the_end(service)
    await run_in_threadpool(service.start)
    yield
    service.stopping = True
    await run_in_threadpool(service.stop)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


def _hear_the_end(service: Service) -> None:
    """Note at once that the process was asked to stop.

    A server tells the application so when its last request has ended; a stream would keep it waiting for ever.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def note(number: int, frame: FrameType | None, before: Any = before) -> None:
            service.stopping = True
            if callable(before):
                before(number, frame)

        signal.signal(number, note)


def _described(openapi: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """FastAPI's document, and the predict routes and the schemas that FastAPI does not know."""

    @cache
    def described() -> dict[str, Any]:
        document = openapi()
        components = document.setdefault("components", {}).setdefault("schemas", {})
        components |= schemas(_SHOWN)
        document["paths"] = predict.paths(PROBLEMS) | document["paths"]
        return document

    return described
