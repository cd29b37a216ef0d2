"""The ledger: every decision, registration and deployment, in one chain of hashes. Entries are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from sightloop.store import locks
from sightloop.store.tables import ledger
from sightloop.values.ledger import START, Kind, LedgerEntry, canonical, fingerprint
from sightloop.values.moment import now


def append(c: Connection, project: str, kind: Kind, data: Mapping[str, Any]) -> LedgerEntry:
    """Add an entry after all that there are, in the transaction of what it records."""
    locks.take(c, "ledger")
    last = c.execute(select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    seq, previous = (1, START) if last is None else (last.seq + 1, last.hash)
    row: dict[str, Any] = {
        "seq": seq,
        "at": now(),
        "project": project,
        "kind": kind.value,
        "data": canonical(data),
        "previous": previous,
    }
    row["hash"] = fingerprint(**row)
    c.execute(insert(ledger).values(row))
    return _entry(row)


def page(c: Connection, project: str | None = None, after: int = 0, limit: int | None = None) -> list[LedgerEntry]:
    """The entries after one number, oldest first, of one project or of all."""
    query = select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq).limit(limit)
    if project is not None:
        query = query.where(ledger.c.project == project)
    return [_entry(row) for row in c.execute(query).mappings()]


def last(c: Connection, project: str | None, limit: int) -> list[LedgerEntry]:
    """The newest entries, oldest of them first, of one project or of all."""
    query = select(ledger).order_by(ledger.c.seq.desc()).limit(limit)
    if project is not None:
        query = query.where(ledger.c.project == project)
    return [_entry(row) for row in c.execute(query).mappings()][::-1]


def _entry(row: Mapping[str, Any] | RowMapping) -> LedgerEntry:
    # An entry that somebody edited must not keep the others from being read; `audit.verify` is who judges.
    try:
        facts = msgspec.json.decode(row["data"], type=dict[str, Any])
    except msgspec.MsgspecError:
        facts = {"unreadable": row["data"]}
    return LedgerEntry(**({str(name): cell for name, cell in row.items()} | {"data": facts}))
