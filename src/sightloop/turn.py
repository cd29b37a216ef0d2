"""One turn of the loop that somebody asked for and waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any, Self

from sightloop.errors import Cancelled, Conflict, SightloopError
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
    run = _opened(parts, project, actor, parameters)
    try:
        with _Hand(parts, run.id) as hand:
            return _followed(parts, run.id, follow, hand.lend)
    except KeyboardInterrupt:
        raise Cancelled(f"run {run.id} was cancelled") from None


def _opened(parts: Parts, project: str, actor: str, parameters: dict[str, Any]) -> Run:
    try:
        with parts.database.write() as connection:
            return runs.open(connection, project, "hand", actor, parameters)
    except Conflict as error:
        if holder(parts.settings) is None:  # whoever began it may have been killed
            ending = f"`sightloop runs cancel {project}` ends it"
            error.hint = f"No worker is running here: `sightloop worker` goes on with it, {ending}."
        raise


class _Hand:
    """Works a run off in this process while no other worker holds the home: one that does may end before the run."""

    def __init__(self, parts: Parts, run: str) -> None:
        self._parts, self._run = parts, run
        self._held = ExitStack()
        self._worker: Worker | None = None
        self._pool = ThreadPoolExecutor(1, "work")
        self._working: Future[None] | None = None

    def __enter__(self) -> Self:
        """Begin to be there for the run."""
        self._held.enter_context(self._pool)  # left after the worker, which then has been told to end
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Let a run that has ended be put away, and give the home back. Raises what the worker here died of."""
        with self._held:
            if kind is None and self._working is not None:
                self._working.result()

    def lend(self) -> None:
        """Work on the run if nobody else does. Raises what the worker here died of."""
        if self._worker is None and holder(self._parts.settings) is None:
            with suppress(Conflict):  # another took the home in this very moment
                self._worker = self._held.enter_context(Worker(self._parts))
        if self._worker is None or (self._working is not None and not self._working.done()):
            return
        if self._working is not None:  # and the run has not ended: a worker with another home had it
            self._working.result()
        self._working = self._pool.submit(self._worker.work_off, self._run)


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


def _followed(parts: Parts, run: str, follow: Callable[[Looks], Run], check: Callable[[], object]) -> Run:
    """Follow; a Ctrl-C cancels the run and is passed on when it has ended."""
    try:
        return follow(looks(parts, run, check))
    except KeyboardInterrupt:
        with parts.database.write() as connection:
            runs.request_cancel(connection, run)
        follow(looks(parts, run, check))
        raise
