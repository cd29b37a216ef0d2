"""The database: SQLite in a file, or PostgreSQL, behind the same two doors: `read` and `write`.

One `write` is one transaction, and nobody else commits. On SQLite a writer takes the lock when it begins, so that two
writers wait for each other instead of failing half way; a reader never waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sightloop.errors import BadInput, MissingExtra, NotReady
from sightloop.store import locks, schema

BUSY_SECONDS = 30.0
"""How long a connection of the pool, or SQLite's lock, is waited for."""
_WRITING = "sightloop_writing"
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_UNFIT = tuple(f"SQLITE_{what}" for what in ("CANTOPEN", "NOTADB", "CORRUPT", "READONLY", "FULL", "IOERR"))


class Database:
    """A pool of connections to one database; threads share it, each process makes its own."""

    def __init__(self, url: str) -> None:
        self.url = address(url)
        self._engine = _sqlite(self.url) if self.url.get_backend_name() == "sqlite" else _postgresql(self.url)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may change rows: committed at the end, rolled back if anything is raised."""
        with self._engine.connect().execution_options(**{_WRITING: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only looks; the database refuses a change in it."""
        with self._engine.connect().execution_options(postgresql_readonly=True) as connection, connection.begin():
            yield connection

    def migrate(self) -> None:
        """Bring the tables to this release's schema; processes that do it at once wait for the first."""
        with self.read() as connection:
            if schema.is_current(connection):
                return
        with self.write() as connection:
            locks.take(connection, "migrations")
            schema.upgrade(connection)

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        self._engine.dispose()


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot be reached, or went away half way: trying again may help."""
    if not isinstance(error, DBAPIError):
        return False
    # A PostgreSQL that is stopped, starting or killed; not a wrong statement, nor a full or locked SQLite file.
    remote = type(error.orig).__module__ != "sqlite3"
    return error.connection_invalidated or (isinstance(error, OperationalError | InterfaceError) and remote)


def is_busy(error: BaseException) -> bool:
    """Whether an error says that a connection, or SQLite's lock, was waited for in vain: trying again helps."""
    return isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and _sqlite_name(error).startswith(_BUSY))


def may_pass(error: BaseException) -> bool:
    """Whether an error says that the database is away or busy, and so may do what was asked when asked again."""
    return is_away(error) or is_busy(error)


def is_unfit(error: DBAPIError) -> bool:
    """Whether an error says that a SQLite file cannot be opened, read or written, or is none."""
    return _sqlite_name(error).startswith(_UNFIT)


def reason(error: Exception) -> str:
    """What the database itself said, in one line; any other error in its own words."""
    return str(error.orig).partition("\n")[0] if isinstance(error, DBAPIError) else str(error)


def _sqlite_name(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", ""))


def address(url: str) -> URL:
    """The URL of a database in the one spelling that is used here. Raises BadInput for one that cannot be used."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:  # a ValueError for a port that is no number
        raise BadInput(
            f"the database URL cannot be read: {error}", expected="sqlite:///PATH or postgresql://USER@HOST:PORT/NAME"
        ) from error
    # Hosting platforms hand out both spellings; the driver is psycopg 3.
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise BadInput("no such kind of database", expected="sqlite:///... or postgresql://...", got=address.drivername)
    if address.get_backend_name() == "sqlite" and address.database in (None, "", ":memory:"):
        raise BadInput("a database in memory is not shared between threads", expected="sqlite:///PATH", got=url)
    return address


def _sqlite(url: URL) -> Engine:
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotReady(f"the folder {folder} of the database cannot be made: {error.strerror}") from error
    engine = _engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL) -> Engine:
    try:
        return _engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtra("PostgreSQL needs psycopg", hint="Install `sightloop[postgres]`.") from error


def _engine(url: URL, **options: Any) -> Engine:
    return create_engine(
        url, pool_timeout=BUSY_SECONDS, json_serializer=_to_json, json_deserializer=msgspec.json.decode, **options
    )


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own guessing of when to begin is off: `_begin` says it.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    _use_wal(connection)


def _use_wal(connection: Any) -> None:
    # Two processes that switch a new file to WAL at once get "locked" without the busy timeout being honoured.
    import sqlite3

    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
