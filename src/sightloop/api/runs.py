"""Runs of the loop: asked for, followed, cancelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here, Service
from sightloop.errors import NotReady
from sightloop.loop.reporting.page import POLICY
from sightloop.loop.start import start as begin
from sightloop.store import deployments, reports, runs
from sightloop.values.run import Event, Run

SWAP_PATIENCE = 30.0
"""How long a waiting request waits for this server to take a new deployment into use, in seconds."""

Limit = Annotated[int, Query(ge=1, le=1000)]
Seen = Annotated[int, Header(ge=0, le=2**31 - 1)]

router = APIRouter(tags=["runs"])


class Ask(BaseModel):
    """Who asks for a run."""

    model_config = ConfigDict(extra="forbid")

    author: str = Field(default="api", max_length=200)


class RunPage(Struct, frozen=True, kw_only=True):
    """Runs, newest first; `next` is the cursor for those before them."""

    runs: list[Run]
    next: str | None


@router.post(
    "/v1/{project}/retrain",
    summary="Ask for a run",
    status_code=202,
    responses=returns(Run, "The run, queued.", 202) | returns(Run, "The run, ended (`wait=true`)."),
)
async def retrain(service: Here, project: str, ask: Ask | None = None, wait: bool = False) -> Response:
    """Ask for a turn of the loop; with `wait=true` answer when it has ended and its model serves here."""
    run = await start(service, project, (ask or Ask()).author)
    if wait:
        return answer(await wait_for(service, run.id))
    return answer(run, 202, {"location": f"/v1/runs/{run.id}"})


@router.get("/v1/runs", summary="List runs", responses=returns(RunPage, "Runs, newest first."))
def page(service: Here, project: str | None = None, before: str | None = None, limit: Limit = 50) -> Response:
    """The newest runs, of one project or of all."""
    with service.database.read() as connection:
        found = runs.page(connection, project, before, limit)
    return answer(RunPage(runs=found, next=found[-1].id if len(found) == limit else None))


@router.get("/v1/runs/{id}", summary="Show a run", responses=returns(Run, "The run."))
def get(service: Here, id: str) -> Response:
    """One run."""
    return answer(_get(service, id))


@router.get(
    "/v1/runs/{id}/report",
    summary="Read a run's report",
    responses={200: {"description": "One HTML page that fetches nothing.", "content": {"text/html": {}}}},
)
def report(service: Here, id: str) -> Response:
    """The report of a run that has judged its model: scores, figures, mistakes, and what the gate found."""
    page = reports.of_run(service.blobs, _get(service, id))
    headers = {
        "content-security-policy": POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return Response(page, headers=headers, media_type="text/html")


@router.post(
    "/v1/runs/{id}/cancel",
    summary="Cancel a run",
    status_code=202,
    responses=returns(Run, "The run, asked to stop.", 202),
)
def cancel(service: Here, id: str) -> Response:
    """Ask a run to stop."""
    with service.database.write() as connection:
        return answer(runs.request_cancel(connection, id), 202)


@router.get("/v1/runs/{id}/events", summary="Follow a run", responses={200: {"content": {"text/event-stream": {}}}})
async def events(service: Here, id: str, last_event_id: Seen = 0) -> Response:
    """The run's events as they happen (server-sent events), after `Last-Event-ID`; the stream ends with the run."""
    await run_in_threadpool(_get, service, id)
    return StreamingResponse(_stream(service, id, last_event_id), media_type="text/event-stream")


async def start(service: Service, project: str, author: str) -> Run:
    """Start a run by hand. Raises NotFound, Conflict where one is open, and NotReady where Airflow does not answer."""
    recipe = service.parts.recipe(project)
    return await run_in_threadpool(begin, service.settings, service.database, recipe, trigger="hand", actor=author)


async def wait_for(service: Service, id: str) -> Run:
    """The run, when it has ended and this server serves what it deployed. Raises NotReady if that takes too long."""
    deadline = time.monotonic() + service.settings.retrain_wait_seconds
    while not (run := await run_in_threadpool(_get, service, id)).status.ended:
        if time.monotonic() > deadline or service.stopping:
            raise NotReady(
                f"run {id} has not ended yet",
                got=f"{run.status} {run.step}".strip(),
                hint=f"It goes on; follow it at /v1/runs/{id}. Runs need a worker: sightloop worker.",
            )
        await asyncio.sleep(service.settings.poll_seconds)
    await _wait_for_swap(service, run.project)
    return run


async def _wait_for_swap(service: Service, project: str) -> None:
    def newest() -> int:
        with service.database.read() as connection:
            return deployments.revisions(connection).get(project, 0)

    wanted, deadline = await run_in_threadpool(newest), time.monotonic() + SWAP_PATIENCE
    while time.monotonic() < deadline and project not in service.live.faults():
        serving = service.live.serving().get(project)
        if wanted == 0 or (serving is not None and serving.deployment.revision >= wanted):
            return
        await asyncio.sleep(0.02)


async def _stream(service: Service, id: str, after: int) -> AsyncIterator[bytes]:
    while True:
        # The run first: an event that comes after it is looked for once more.
        run = await run_in_threadpool(_get, service, id)
        for event in await run_in_threadpool(_events, service, id, after):
            after = event.seq
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (after, event.kind.encode(), msgspec.json.encode(event))
        if run.status.ended:
            yield b"event: end\ndata: %s\n\n" % msgspec.json.encode(run)
            return
        if service.stopping:
            return
        await asyncio.sleep(service.settings.poll_seconds)


def _get(service: Service, id: str) -> Run:
    with service.database.read() as connection:
        return runs.get(connection, id)


def _events(service: Service, id: str, after: int) -> list[Event]:
    with service.database.read() as connection:
        return runs.events(connection, id, after)
