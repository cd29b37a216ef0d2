"""Runs: turns of the loop, one open at a time in a project, and the events of each in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, func, insert, select
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError

from sightloop.errors import Conflict, NotFound
from sightloop.store import leases, locks
from sightloop.store.rows import value
from sightloop.store.tables import run_events, runs
from sightloop.values.moment import new_id, now
from sightloop.values.run import Event, Run, Status

_OPEN = (Status.QUEUED.value, Status.RUNNING.value)


def open(
    c: Connection,
    project: str,
    trigger: str,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
    scheduler: str = "",
) -> Run:
    """Queue a run, for the built-in worker unless a scheduler is named. Raises Conflict where the project has one."""
    run = Run(
        id=new_id(),
        project=project,
        status=Status.QUEUED,
        trigger=trigger,
        actor=actor,
        created=now(),
        parameters=dict(parameters or {}),
        scheduler=scheduler,
    )
    try:
        with c.begin_nested():
            c.execute(insert(runs).values(msgspec.to_builtins(run)))
    except IntegrityError as error:
        raise _occupied(c, project) from error
    return run


def get(c: Connection, id: str) -> Run:
    """The run with this id. Raises NotFound."""
    found = _select(c, runs.c.id == id)
    if not found:
        raise NotFound(f"there is no run {id}")
    return found[0]


def page(c: Connection, project: str | None = None, before: str | None = None, limit: int = 100) -> list[Run]:
    """The newest runs, of one project or of all, or those before the one with the id `before`; newest first."""
    where = [runs.c.project == project] if project is not None else []
    if before is not None:
        where.append(runs.c.id < before)
    return _select(c, *where, order=runs.c.id.desc(), limit=limit)


def queued(c: Connection, scheduler: str = "") -> list[Run]:
    """All runs that wait for their scheduler to begin them, oldest first."""
    return _select(c, runs.c.status == Status.QUEUED.value, runs.c.scheduler == scheduler)


def waiting(c: Connection, worker: str) -> list[Run]:
    """The runs of the built-in worker that this one may work on: those begun before those that are queued."""
    found = _select(c, runs.c.scheduler == "", leases.RUNS.free(worker))
    return sorted(found, key=lambda run: run.status is Status.QUEUED)


def last(c: Connection, project: str) -> Run | None:
    """The project's newest run."""
    return next(iter(page(c, project, limit=1)), None)


def update(c: Connection, id: str, **fields: Any) -> Run:
    """Set fields of a run that is open. Raises NotFound, and Conflict where it has ended."""
    query = change(runs).where(runs.c.id == id, runs.c.status.in_(_OPEN)).values(msgspec.to_builtins(fields))
    changed = c.execute(query).rowcount
    run = get(c, id)
    if not changed:
        raise _ended(run)
    return run


def request_cancel(c: Connection, id: str, dead: str | None = None) -> Run:
    """Ask a run to stop: one that nobody works on is cancelled now, another by its worker. Conflict where it has ended.

    `dead` is the name of a worker that is known to have ended, whose lease may not have lapsed yet.
    """
    left = leases.RUNS.vacant() if dead is None else leases.RUNS.vacant() | (runs.c.worker == dead)
    idle = (runs.c.status == Status.QUEUED.value) | ((runs.c.status == Status.RUNNING.value) & left)
    at_once = {"status": Status.CANCELLED.value, "cancelling": True, "finished": now(), "worker": None, "heard": None}
    if c.execute(change(runs).where(runs.c.id == id, idle).values(at_once)).rowcount:
        return get(c, id)
    return update(c, id, cancelling=True)


def finish(
    c: Connection, id: str, status: Status, result: Mapping[str, Any] | None = None, error: str | None = None
) -> Run:
    """End a run; ending it again in the same way changes nothing. Raises Conflict where it ended in another way."""
    run = get(c, id)
    if run.status is status and status.ended:
        return run
    fields: dict[str, Any] = {"status": status, "error": error, "finished": now(), "worker": None, "heard": None}
    if result is not None:
        fields["result"] = dict(result)
    return update(c, id, **fields)


def log(
    c: Connection, run: str, kind: str, step: str, message: str = "", data: Mapping[str, Any] | None = None
) -> Event:
    """Add an event to a run, after all that it has."""
    locks.take(c, "run_events", run)
    seq = c.execute(select(func.coalesce(func.max(run_events.c.seq), 0) + 1).where(run_events.c.run == run))
    event = Event(run=run, seq=seq.scalar_one(), at=now(), kind=kind, step=step, message=message, data=dict(data or {}))
    c.execute(insert(run_events).values(msgspec.to_builtins(event)))
    return event


def events(c: Connection, run: str, after_seq: int = 0) -> list[Event]:
    """The events of a run after one number, in order."""
    where = (run_events.c.run == run, run_events.c.seq > after_seq)
    query = select(run_events).where(*where).order_by(run_events.c.seq)
    return [value(row, Event) for row in c.execute(query).mappings()]


def tally(c: Connection) -> list[tuple[str, str, int]]:
    """How many runs each project has in each status."""
    query = select(runs.c.project, runs.c.status, func.count()).group_by(runs.c.project, runs.c.status)
    return [(project, status, count) for project, status, count in c.execute(query)]


def _select(
    c: Connection, *where: ColumnElement[bool], order: ColumnElement[Any] | None = None, limit: int | None = None
) -> list[Run]:
    query = select(runs).where(*where).order_by(runs.c.id if order is None else order).limit(limit)
    return [value(row, Run) for row in c.execute(query).mappings()]


def _occupied(c: Connection, project: str) -> Conflict:
    now_open = _select(c, runs.c.project == project, runs.c.status.in_(_OPEN))
    got = f"run {now_open[0].id} ({now_open[0].status})" if now_open else "a run that has just ended"
    return Conflict(
        f"{project} has an open run",
        expected="no open run",
        got=got,
        hint="Wait for it to end, or cancel it, then ask again.",
    )


def _ended(run: Run) -> Conflict:
    return Conflict(f"run {run.id} has ended", expected="an open run", got=str(run.status), hint="Start a new run.")
