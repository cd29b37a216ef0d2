"""The ledger: what is written in it, by whom, and that the database itself keeps it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.exc import DatabaseError

from sightloop.errors import Conflict
from sightloop.store import deployments, ledger, tables
from sightloop.store.database import Database
from sightloop.values.ledger import START, Kind, canonical, fingerprint

Register = Callable[..., int]


def kinds(c: Connection) -> list[str]:
    return [entry.kind for entry in ledger.page(c)]


def test_every_entry_is_bound_to_the_one_before(database: Database) -> None:
    with database.write() as c:
        written = [ledger.append(c, "digits", Kind.DECISION, {"n": n, "p": 0.05}) for n in range(3)]
    with database.read() as c:
        assert ledger.page(c) == written
    assert [entry.seq for entry in written] == [1, 2, 3]
    assert [entry.previous for entry in written] == [START, written[0].hash, written[1].hash]
    first = written[0]
    assert first.hash == fingerprint(
        seq=1, at=first.at, project="digits", kind="decision", data=canonical(first.data), previous=START
    )


def test_what_changes_who_serves_is_recorded_in_the_same_transaction(database: Database, register: Register) -> None:
    one, two = register(), register()
    with database.write() as c:
        deployments.promote(c, "digits", one, "ann", "first", licences=frozenset())
        deployments.promote(c, "digits", two, "ann", "second", licences=frozenset())
        deployments.promote(c, "digits", two, "ann", "again, which changes nothing", licences=frozenset())
        deployments.rollback(c, "digits", "bob", "worse in the field")
    with database.read() as c:
        entries = ledger.page(c, "digits")
    assert [entry.kind for entry in entries] == ["registration", "registration", "promotion", "promotion", "rollback"]
    assert entries[-1].data["actor"] == "bob"
    assert (entries[-1].data["revision"], entries[-1].data["restores"]) == (3, 1)
    assert entries[-1].data["members"] == [{"role": "champion", "version": 1, "share": 1.0}]


def test_what_did_not_happen_is_not_recorded(database: Database, register: Register) -> None:
    register()

    def try_both() -> None:
        with database.write() as c:
            deployments.promote(c, "digits", 1, "ann", "good", licences=frozenset())
            deployments.rollback(c, "digits", "ann", "nothing to go back to")

    with pytest.raises(Conflict):
        try_both()
    with database.read() as c:
        assert kinds(c) == ["registration"]


def test_entries_are_shown_by_project_and_by_number(database: Database) -> None:
    with database.write() as c:
        for project in ("digits", "gestures", "digits"):
            ledger.append(c, project, Kind.DECISION, {})
    with database.read() as c:
        assert [entry.seq for entry in ledger.page(c, "digits")] == [1, 3]
        assert [entry.seq for entry in ledger.page(c, after=1, limit=1)] == [2]
        assert [entry.seq for entry in ledger.last(c, None, 2)] == [2, 3]


def test_the_database_refuses_to_change_or_forget_an_entry(database: Database) -> None:
    with database.write() as c:
        ledger.append(c, "digits", Kind.DECISION, {})
    for statement in (update(tables.ledger).values(project="gestures"), delete(tables.ledger)):
        with pytest.raises(DatabaseError, match="only ever added to"), database.write() as c:
            c.execute(statement)
    with database.read() as c:
        assert kinds(c) == ["decision"]


def test_two_entries_cannot_take_one_place(database: Database) -> None:
    with database.write() as c:
        entry = ledger.append(c, "digits", Kind.DECISION, {})
    row = {name: getattr(entry, name) for name in ("seq", "at", "project", "kind", "previous")}
    with pytest.raises(DatabaseError), database.write() as c:
        c.execute(insert(tables.ledger).values(row | {"data": "{}", "hash": START}))
