"""One edited byte of what was recorded is found, and the row named."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, delete, text, update

from sightloop.errors import NotFound
from sightloop.store import audit, deployments, ledger, tables, versions
from sightloop.store.database import Database
from sightloop.values.ledger import Kind, fingerprint
from sightloop.values.version import Verdict

Register = Callable[..., int]


def unguard(c: Connection) -> None:
    """Take the database's own guards away, as somebody with the file, or the rights, could."""
    if c.dialect.name == "sqlite":
        c.execute(text("drop trigger ledger_keep_update"))
        c.execute(text("drop trigger ledger_keep_delete"))
    else:
        c.execute(text("drop trigger ledger_keep on ledger"))


def messages(database: Database) -> list[str]:
    with database.read() as c:
        return [fault.message for fault in audit.verify(c)]


def row(c: Connection, seq: int) -> dict[str, Any]:
    query = tables.ledger.select().where(tables.ledger.c.seq == seq)
    return {str(name): cell for name, cell in c.execute(query).mappings().one().items()}


@pytest.fixture
def recorded(database: Database, register: Register) -> Database:
    """A ledger of five rows: two registrations, two promotions, a rollback."""
    register()
    register()
    with database.write() as c:
        deployments.promote(c, "digits", 1, "ann", "first", licences=frozenset())
        deployments.promote(c, "digits", 2, "ann", "second", licences=frozenset())
        deployments.rollback(c, "digits", "bob", "slower")
    return database


def test_what_nobody_touched_is_whole(recorded: Database) -> None:
    assert messages(recorded) == []
    with recorded.read() as c:
        seq, head = audit.head(c)
        assert (seq, head) == (5, row(c, 5)["hash"])
        assert audit.head(c, row(c, 3)["hash"]) == (5, head)
        with pytest.raises(NotFound, match="no row of the ledger has the hash"):
            audit.head(c, "ab" * 32)


@pytest.mark.parametrize("column", ["at", "project", "kind", "data", "previous", "hash"])
def test_one_edited_byte_is_found_and_the_row_named(recorded: Database, column: str) -> None:
    with recorded.write() as c:
        unguard(c)
        was: str = row(c, 4)[column]
        edited = was[:-2] + chr(ord(was[-2]) ^ 1) + was[-1]
        c.execute(update(tables.ledger).where(tables.ledger.c.seq == 4).values({column: edited}))
    told = messages(recorded)
    assert any(message.startswith("row 4 of the ledger") for message in told), told


def test_a_space_more_is_found_too(recorded: Database) -> None:
    with recorded.write() as c:
        unguard(c)
        c.execute(update(tables.ledger).where(tables.ledger.c.seq == 3).values(data=row(c, 3)["data"] + " "))
    assert any("row 3" in message and "was altered" in message for message in messages(recorded))


def test_a_row_written_anew_with_its_hash_breaks_the_chain_after_it(recorded: Database) -> None:
    with recorded.write() as c:
        unguard(c)
        forged = row(c, 2) | {"data": '{"number":2,"verdict":"accepted"}'}
        forged["hash"] = fingerprint(**{name: cell for name, cell in forged.items() if name != "hash"})
        c.execute(update(tables.ledger).where(tables.ledger.c.seq == 2).values(forged))
    assert any(message.startswith("row 3 of the ledger") for message in messages(recorded))


@pytest.mark.parametrize("gone", [2, 5])
def test_a_row_taken_out_is_missed_even_the_last(recorded: Database, gone: int) -> None:
    with recorded.write() as c:
        unguard(c)
        c.execute(delete(tables.ledger).where(tables.ledger.c.seq == gone))
    told = " / ".join(messages(recorded))
    assert ("2 to 2 of the ledger are missing" if gone == 2 else "revision 3 of digits is not in the ledger") in told


def test_what_serves_must_be_as_it_was_recorded(recorded: Database) -> None:
    with recorded.write() as c:
        c.execute(update(tables.deployments).where(tables.deployments.c.revision == 2).values(actor="eve"))
        c.execute(update(tables.deployment_members).where(tables.deployment_members.c.revision == 3).values(version=2))
        c.execute(update(tables.model_versions).where(tables.model_versions.c.number == 1).values(verdict="refused"))
    assert messages(recorded) == [
        "version 1 of digits is not as row 1 of the ledger recorded it: verdict",
        "revision 2 of digits is not as row 4 of the ledger recorded it: actor",
        "revision 3 of digits is not as row 5 of the ledger recorded it: members",
    ]


def test_a_deployment_that_was_taken_away_is_missed(recorded: Database) -> None:
    with recorded.write() as c:
        c.execute(delete(tables.deployment_members).where(tables.deployment_members.c.revision == 3))
        c.execute(delete(tables.deployments).where(tables.deployments.c.revision == 3))
    assert messages(recorded) == ["revision 3 of digits, recorded in row 5 of the ledger, is gone"]


def test_a_decision_carries_its_numbers(database: Database, make_package: Callable[..., Any]) -> None:
    card = make_package().card
    with database.write() as c:
        findings = [{"name": "latency", "numbers": {"ratio": 3.1}}]
        from_run = {"accepted": False, "reasons": ["too slow"], "findings": findings}
        versions.register(c, "digits", card.digest, card, Verdict.REFUSED, "too slow", decision=from_run)
    with database.read() as c:
        decided, registered = ledger.page(c)
    assert (decided.kind, registered.kind) == (Kind.DECISION, Kind.REGISTRATION)
    assert decided.data["findings"][0]["numbers"] == {"ratio": 3.1}
    assert decided.data["number"] == registered.data["number"] == 1
    assert messages(database) == []


def test_what_was_there_before_the_ledger_is_taken_in(recorded: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(resources.files("sightloop.store") / "migrations"))
    with recorded.write() as c:
        config.attributes["connection"] = c
        command.downgrade(config, "0001")
        command.upgrade(config, "head")
    with recorded.read() as c:
        entries = ledger.page(c)
    assert [entry.kind for entry in entries] == ["registration"] * 2 + ["deployment"] * 3
    assert all(entry.data["adopted"] for entry in entries)
    assert messages(recorded) == []
    with recorded.write() as c:
        ledger.append(c, "digits", Kind.DECISION, {})
    assert messages(recorded) == []
