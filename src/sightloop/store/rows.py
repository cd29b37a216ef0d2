"""Rows as values, and values as rows, in the words of either database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Column, Connection, RowMapping, Table
from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")
Rows = Sequence[dict[str, Any]]


def value(row: RowMapping, kind: type[Value]) -> Value:
    """The value in a row whose columns are its fields; further columns are passed over."""
    # SQLAlchemy's names are a kind of str of their own, which msgspec does not take for keys.
    return msgspec.convert({str(name): cell for name, cell in row.items()}, kind)


def insert_new(c: Connection, table: Table[Any], rows: Rows) -> None:
    """Insert, in bulk, the rows whose primary key is not there yet."""
    if rows:
        c.execute(_insert(c, table), rows)


def insert_cells(c: Connection, table: Table[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """As `insert_new`, in half the time: of rows that have a cell for each column, in order, and JSON as text."""
    if not rows:
        return
    names = table.c.keys()
    statement = _insert(c, table).compile(dialect=c.dialect, column_keys=names)
    ready = list(rows) if statement.positional else [dict(zip(names, row, strict=True)) for row in rows]
    c.exec_driver_sql(str(statement), ready)


def insert_and_tell(c: Connection, table: Table[Any], rows: Rows, key: Column[str]) -> set[str]:
    """Insert, in bulk, the rows whose primary key is not there yet; the values of `key` of those that were not."""
    return set(c.execute(_insert(c, table).returning(key), rows).scalars()) if rows else set()


def _insert(c: Connection, table: Table[Any]) -> postgresql.Insert | sqlite.Insert:
    insert = postgresql.insert if c.dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()
