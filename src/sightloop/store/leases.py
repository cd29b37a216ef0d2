"""Leases: which process works on a run. A lease that is not renewed lapses, and another process may take the run.

They are told by the clocks of the machines, which must agree to some seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select, update

from sightloop.store.rows import value
from sightloop.store.tables import runs
from sightloop.values.moment import now
from sightloop.values.run import Run, Status

LAPSE_SECONDS = 30.0
"""How long after it was last heard of a process is taken for dead."""

_OPEN = (Status.QUEUED.value, Status.RUNNING.value)


def take(c: Connection, run: str, worker: str) -> bool:
    """Begin, or go on, to work on a run: whether this worker now has it and no other process may work on it."""
    taken = {
        "status": Status.RUNNING.value,
        "started": func.coalesce(runs.c.started, now()),
        "worker": worker,
        "heard": now(),
    }
    query = update(runs).where(runs.c.id == run, runs.c.status.in_(_OPEN), vacant() | (runs.c.worker == worker))
    return bool(c.execute(query.values(taken)).rowcount)


def renew(c: Connection, worker: str) -> None:
    """Say that the worker lives, for every run that it has."""
    c.execute(update(runs).where(runs.c.worker == worker, runs.c.status.in_(_OPEN)).values(heard=now()))


def holds(c: Connection, run: str, worker: str) -> bool:
    """Whether the worker still has the run: it lapses for one that was not heard of for long."""
    return c.execute(select(runs.c.worker).where(runs.c.id == run)).scalar_one_or_none() == worker


def release(c: Connection, run: str, worker: str) -> None:
    """Let another process work on the run."""
    c.execute(update(runs).where(runs.c.id == run, runs.c.worker == worker).values(worker=None, heard=None))


def waiting(c: Connection, worker: str) -> list[Run]:
    """The runs of the built-in worker that this one may work on: those begun before those that are queued."""
    mine = (runs.c.scheduler == "", runs.c.status.in_(_OPEN), vacant() | (runs.c.worker == worker))
    query = select(runs).where(*mine).order_by(runs.c.status.desc(), runs.c.id)
    return [value(row, Run) for row in c.execute(query).mappings()]


def vacant() -> ColumnElement[bool]:
    """That nobody works on a run, or nobody who has been heard of of late."""
    lapsed = datetime.now(UTC) - timedelta(seconds=LAPSE_SECONDS)
    return runs.c.worker.is_(None) | (runs.c.heard < lapsed.isoformat(timespec="microseconds"))
