"""Locks by name, held to the end of a transaction, for rows that are numbered one after the other."""

from __future__ import annotations

from sqlalchemy import Connection, func, select


def take(c: Connection, *names: str) -> None:
    """Wait until no other transaction holds the lock of these names.

    On SQLite this is nothing, since a writing transaction is alone from its beginning.
    """
    if c.dialect.name == "postgresql":
        c.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("/".join(names), 0))))
