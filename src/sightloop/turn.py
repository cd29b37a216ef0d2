"""One turn of the loop that somebody asked for and waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sightloop.errors import Cancelled, SightloopError
from sightloop.hold import holder
from sightloop.loop.parameters import apply
from sightloop.store import runs
from sightloop.values.run import Event, Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker

_LOOK_SECONDS = 0.2

Looks = Iterator[tuple[Run, list[Event]]]


def work(parts: Parts, project: str, actor: str, parameters: dict[str, Any], follow: Callable[[Looks], Run]) -> Run:
    """Queue a run and follow it until it has ended, working it off here where no worker does; the run as it then is.

    `follow` returns when the looks at the run have ended. A Ctrl-C in it cancels the run and raises Cancelled. Raises
    Conflict where a run is open, BadInput for parameters that are none, and what the worker here died of.
    """
    apply(parts.recipe(project), parameters)
    with parts.database.write() as connection:
        run = runs.open(connection, project, "hand", actor, parameters)
    try:
        if holder(parts.settings) is not None:
            return _followed(parts, run.id, follow)
        with ThreadPoolExecutor(1, "work") as pool, Worker(parts) as worker:
            working = pool.submit(worker.work_off, run.id)
            ended = _followed(parts, run.id, follow, lambda: working.done() and working.result())
            working.result()
    except KeyboardInterrupt:
        raise Cancelled(f"run {run.id} was cancelled") from None
    return ended


def looks(parts: Parts, run: str, check: Callable[[], object] = lambda: None) -> Looks:
    """A run and what happened in it since the last look, again and again; its end is the last look.

    `check` is called after each look but the last, and raises where there is nothing to wait for.
    """
    seen = 0
    while True:
        with parts.database.read() as connection:
            row = runs.get(connection, run)
            events = runs.events(connection, run, seen)
        seen = events[-1].seq if events else seen
        yield row, events
        if row.status.ended:
            return
        check()
        time.sleep(_LOOK_SECONDS)


def ended_well(run: Run) -> Run:
    """The run. Raises Cancelled and SightloopError where it was cancelled or failed."""
    if run.status is Status.CANCELLED:
        raise Cancelled(f"run {run.id} was cancelled")
    if run.status is Status.FAILED:
        raise SightloopError(
            f"run {run.id} failed in the step {run.step}: {run.error}", hint=f"See `sightloop runs log {run.id}`."
        )
    return run


def _followed(
    parts: Parts, run: str, follow: Callable[[Looks], Run], check: Callable[[], object] = lambda: None
) -> Run:
    """Follow; a Ctrl-C cancels the run and is passed on when it has ended."""
    try:
        return follow(looks(parts, run, check))
    except KeyboardInterrupt:
        with parts.database.write() as connection:
            runs.request_cancel(connection, run)
        follow(looks(parts, run, check))
        raise
