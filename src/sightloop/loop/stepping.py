"""A run whose steps another scheduler begins, one call a step: `Stepper` is what `sightloop step` does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import DBAPIError

from sightloop.errors import Busy, Cancelled, Conflict, SightloopError
from sightloop.loop.job import Stopped
from sightloop.loop.steps import STEPS, Found
from sightloop.loop.work import Work
from sightloop.store import leases, runs
from sightloop.store.database import Database
from sightloop.values.run import Run, Status

_RENEW_SECONDS = 2.0
_LOOK_SECONDS = 1.0


class Stepper:
    """Does single steps of runs, under the lease of the process `worker`."""

    def __init__(self, work: Work, database: Database, worker: str, stopping: Callable[[], bool]) -> None:
        self._work = work
        self._database = database
        self._worker = worker
        self._stopping = stopping

    def do(self, name: str, run: str) -> Run:
        """Do the step, unless it was done; the run as it then is. The last step, and one that fails, end the run.

        Raises Conflict where it is not this step's turn, the run has ended, or the built-in worker has it; Busy where
        another process is at it, or this one is to end: the step can then be asked for again. Raises Cancelled and
        SightloopError where the step ended the run so.
        """
        row = self._row(run)
        if name not in self._ended(run):
            self._check_turn(row, name)
            with self._renewing():
                self._take_step(row, name)
            row = self._row(run)
        if name == list(STEPS)[-1] and not row.status.ended:
            status = Status.SUCCEEDED if row.result["deployed"] else Status.REFUSED
            self._work.finish(run, status, row.result, None)
        return self._row(run)

    def close(self, run: str) -> Run:
        """End, as failed, a run that its scheduler has given up. Raises Busy while a step is at work."""
        row = self._row(run)
        if row.status.ended:
            return row
        _refuse_built_in(row)
        left = f"after the step {row.step}" if row.step else "before its first step"
        self._work.finish(run, Status.FAILED, row.result, f"{row.scheduler} gave the run up {left}")
        row = self._row(run)
        if not row.status.ended:
            raise _busy(row)
        return row

    def _take_step(self, row: Run, name: str) -> None:
        try:
            outcome = self._outcome(row, name)
            if "failure" in outcome:
                self._work.finish(row.id, outcome["status"], row.result, outcome["failure"])
        finally:
            with self._database.write() as connection:
                leases.RUNS.release(connection, row.id, self._worker)
        if "failure" in outcome:
            told = f"run {row.id} ended in the step {name}: {outcome['failure']}"
            raise Cancelled(told) if outcome["status"] == Status.CANCELLED else SightloopError(told)

    def _outcome(self, row: Run, name: str) -> Found:
        """What the step found; waits for another process at it to end, or to be taken for dead."""
        deadline = time.monotonic() + leases.LAPSE_SECONDS + _LOOK_SECONDS
        while True:
            try:
                return self._work.step(name, row.id, row.result)
            except Stopped:
                if self._stopping():
                    raise Busy("this process was asked to end, and gave the step up", hint="Ask again.") from None
                if time.monotonic() > deadline:
                    raise _busy(self._row(row.id)) from None
            time.sleep(_LOOK_SECONDS)

    def _check_turn(self, row: Run, name: str) -> None:
        if row.status.ended:
            raise Conflict(
                f"run {row.id} has ended", expected="an open run", got=f"{row.status} {row.error or ''}".rstrip()
            )
        _refuse_built_in(row)
        ended = self._ended(row.id)
        turn = next(step for step in STEPS if step not in ended)
        if turn != name:
            raise Conflict(f"it is not the turn of the step {name}", expected=turn, hint="Steps go in their order.")

    def _row(self, run: str) -> Run:
        with self._database.read() as connection:
            return runs.get(connection, run)

    def _ended(self, run: str) -> set[str]:
        with self._database.read() as connection:
            return {event.step for event in runs.events(connection, run) if event.kind == "ended"}

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        """Say all the while that this process lives."""
        over = threading.Event()

        def renew() -> None:
            while not over.wait(_RENEW_SECONDS):
                # Said again in two seconds; what is wrong with the database is told by the step, which needs it too.
                with suppress(DBAPIError), self._database.write() as connection:
                    leases.renew(connection, self._worker)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _refuse_built_in(row: Run) -> None:
    if not row.scheduler:
        raise Conflict(
            f"the worker works on run {row.id}",
            expected="a run whose steps are begun from outside",
            hint=f"Open one: sightloop step open {row.project}.",
        )


def _busy(row: Run) -> Busy:
    return Busy(
        f"another process is at the step {row.step} of run {row.id}",
        got=f"{row.worker}, heard of at {row.heard}",
        hint="Ask again when it has ended.",
    )
