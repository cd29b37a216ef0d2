"""The database: transactions, many writers, both kinds."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from sightloop.errors import BadInput
from sightloop.store import runs, tables
from sightloop.store.database import Database, address

WRITER = """
import sys
from sightloop.store import runs
from sightloop.store.database import Database
url, run, times = sys.argv[1:]
database = Database(url)
for turn in range(int(times)):
    with database.write() as c:
        runs.log(c, run, "line", "train", str(turn))
database.close()
"""

MIGRATOR = """
import sys
from sightloop.store.database import Database
database = Database(sys.argv[1])
database.migrate()
database.close()
"""


@pytest.fixture
def launch() -> Callable[..., list[int]]:
    """Runs several Python processes at once; their exit codes."""

    def start(script: str, *each: tuple[str, ...]) -> list[int]:
        processes = [subprocess.Popen([sys.executable, "-c", script, *arguments]) for arguments in each]
        return [process.wait(timeout=120) for process in processes]

    return start


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as c:
            runs.open(c, "digits", "hand", "ann")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.read() as c:
        assert runs.page(c) == []


def test_a_read_refuses_to_change_anything(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), database.read() as c:
        c.execute(insert(tables.runs).values(id="1", project="p", status="queued", trigger="t", actor="a", created=""))


def test_a_writer_can_write_after_a_reader_on_the_same_connection(database: Database) -> None:
    with database.read() as c:
        assert runs.page(c) == []
    with database.write() as c:
        runs.open(c, "digits", "hand", "ann")
    with database.read() as c:
        assert len(runs.page(c)) == 1


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as writing:
        runs.open(writing, "digits", "hand", "ann")
        with database.read() as reading:
            assert runs.page(reading) == []


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/deep/er/sightloop.db")
    with database.read() as c:
        values = [c.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "foreign_keys")]
        assert values == ["wal", 1]
        assert c.execute(text("PRAGMA synchronous")).scalar_one() == 2
        assert c.execute(text("PRAGMA busy_timeout")).scalar_one() == 30_000
    database.close()


def test_many_threads_write_at_once(database: Database) -> None:
    with database.write() as c:
        run = runs.open(c, "digits", "hand", "ann").id

    def write() -> None:
        for _ in range(10):
            with database.write() as c:
                runs.log(c, run, "line", "train")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as c:
        assert [event.seq for event in runs.events(c, run)] == list(range(1, 81))


def test_two_processes_write_at_once(database: Database, database_url: str, launch: Callable[..., list[int]]) -> None:
    with database.write() as c:
        run = runs.open(c, "digits", "hand", "ann").id
    assert launch(WRITER, (database_url, run, "50"), (database_url, run, "50")) == [0, 0]
    with database.read() as c:
        assert [event.seq for event in runs.events(c, run)] == list(range(1, 101))


def test_processes_that_migrate_at_once_wait_for_each_other(
    database_url: str, launch: Callable[..., list[int]]
) -> None:
    assert launch(MIGRATOR, *[(database_url,)] * 3) == [0, 0, 0]
    database = Database(database_url)
    with database.read() as c:
        assert c.execute(select(tables.runs)).all() == []
    database.close()


@pytest.mark.parametrize("spelling", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_postgresql_is_spoken_to_through_psycopg_3(spelling: str) -> None:
    assert Database(spelling).url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["home/sightloop.db", "postgresql://ann:secret@host:port/sightloop"])
def test_what_is_no_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(BadInput, match="cannot be read") as raised:
        address(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["no url", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BadInput):
        Database(url)
