"""Leases: which process works on a run or a video. One that is not renewed lapses, and another process may take over.

They are told by the clocks of the machines, which must agree to some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, Update, and_, func, or_, update

from sightloop.store.tables import runs, videos
from sightloop.values.moment import now

LAPSE_SECONDS = 30.0
"""How long after it was last heard of a process is taken for dead."""

_RUNNING = "running"
_OPEN = ("queued", _RUNNING)


@dataclass(frozen=True)
class Leases:
    """Those on the rows of a table, of which the column `state` says where each stands."""

    table: Table[Any]
    state: Column[str]

    def take(self, c: Connection, id: str, worker: str) -> bool:
        """Begin, or go on, to work: whether this worker now has the row and no other process may work on it."""
        begun = {
            self.state: _RUNNING,
            self.table.c.started: func.coalesce(self.table.c.started, now()),
            self.table.c.worker: worker,
            self.table.c.heard: now(),
        }
        query = update(self.table).where(self.table.c.id == id, self.free(worker))
        return bool(c.execute(query.values(begun)).rowcount)

    def hold(self, c: Connection, id: str, worker: str) -> bool:
        """Whether the worker still has the row, which it then keeps for this transaction and is heard of by."""
        return bool(c.execute(self._held(id, worker).values(heard=now())).rowcount)

    def release(self, c: Connection, id: str, worker: str) -> None:
        """Let another process work on the row."""
        c.execute(self._held(id, worker).values(worker=None, heard=None))

    def free(self, worker: str) -> ColumnElement[bool]:
        """That a row has not ended, and this worker may work on it."""
        return and_(self.state.in_(_OPEN), or_(self.vacant(), self.table.c.worker == worker))

    def vacant(self) -> ColumnElement[bool]:
        """That nobody works on a row, or nobody who has been heard of of late."""
        lapsed = datetime.now(UTC) - timedelta(seconds=LAPSE_SECONDS)
        return or_(self.table.c.worker.is_(None), self.table.c.heard < lapsed.isoformat(timespec="microseconds"))

    def _held(self, id: str, worker: str) -> Update:
        return update(self.table).where(self.table.c.id == id, self.table.c.worker == worker)


RUNS = Leases(runs, runs.c.status)
VIDEOS = Leases(videos, videos.c.stage)


def renew(c: Connection, worker: str) -> None:
    """Say that the worker lives, for every run and video that it has."""
    for leases in (RUNS, VIDEOS):
        held = update(leases.table).where(leases.table.c.worker == worker, leases.state.in_(_OPEN))
        c.execute(held.values(heard=now()))
