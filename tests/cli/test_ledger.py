"""The record by command: shown, verified, and asked why a model answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text
from tests.cli.conftest import Command

from sightloop.store import deployments, predictions, versions
from sightloop.store.predictions import Recorded
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Answer
from sightloop.values.version import Verdict
from sightloop.wiring import Parts

Home = Callable[..., Parts]


def answered(parts: Parts, version: int) -> str:
    answer = Answer(label="1", index=1, confidence=0.75, probabilities=[0.25, 0.75])
    made = Recorded(id=new_id(), project="tens", version=version, answer=answer, at=now())
    with parts.database.write() as connection:
        predictions.add_many(connection, [made])
    return made.id


@pytest.fixture
def trained(home: Home) -> Parts:
    """A project that was trained once, with a second version that nobody has promoted."""
    parts = home(trained=True)
    with parts.database.write() as connection:
        first = versions.get(connection, "tens", 1)
        versions.register(connection, "tens", first.package, first.card, Verdict.ACCEPTED, "a copy")
    return parts


def test_a_run_leaves_its_decision_registration_and_promotion(trained: Parts, command: Command) -> None:
    shown = command("ledger", "show", "tens", "--json").json
    assert [entry["kind"] for entry in shown] == ["decision", "registration", "promotion", "registration"]
    decision = shown[0]["data"]
    assert (decision["number"], decision["accepted"], decision["dataset"]) == (1, True, 1)
    assert decision["scores"]["accuracy"] > 0.6
    told = command("ledger", "show").out
    assert "version 1 accepted: accuracy 0." in told
    assert "revision 1: champion 1, by run " in told
    assert command("ledger", "show", "gestures").out == "nothing was recorded yet\n"
    assert command("ledger", "show", "tnes").code == 3


def test_promote_and_roll_back_by_command_are_recorded_with_who_did_it(
    trained: Parts, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "cem")
    command("models", "promote", "tens", "2", "--reason", "a trial", "--author", "ann")
    command("models", "rollback", "tens", "--reason", "it failed")
    last = command("ledger", "show", "tens", "--limit", "2", "--json").json
    assert [(one["kind"], one["data"]["actor"], one["data"]["reason"]) for one in last] == [
        ("promotion", "ann", "a trial"),
        ("rollback", "cem", "it failed"),
    ]


def test_the_record_is_verified_and_an_edited_byte_named(trained: Parts, command: Command) -> None:
    whole = command("ledger", "verify", "--json").json
    assert (whole["rows"], whole["faults"]) == (4, [])
    assert command("ledger", "verify", "--expect", whole["head"]).out.endswith("every one is whole\n")
    assert command("ledger", "verify", "--expect", "ab" * 32).code == 3
    with trained.database.write() as connection:
        connection.execute(text("drop trigger ledger_keep_update"))
        connection.execute(text("update ledger set data = replace(data, 'accepted', 'Accepted')"))
    broken = command("ledger", "verify")
    assert broken.code == 1
    assert broken.out.startswith("BAD row 1 of the ledger (decision of tens, ")


def test_one_command_says_who_answered_and_why_it_served(trained: Parts, command: Command) -> None:
    first = answered(trained, 1)
    with trained.database.write() as connection:
        deployments.promote(connection, "tens", 2, "ann", "it looks better", licences=frozenset())
    second = answered(trained, 2)
    late = answered(trained, 1)  # a server that had not yet taken the second revision over
    found = {id: command("why", id, "--json").json for id in (first, second, late)}
    assert [found[id]["deployment"]["revision"] for id in (first, second, late)] == [1, 2, 1]
    assert found[first]["until"] == found[second]["deployment"]["at"]
    assert found[second]["until"] is None
    assert (found[first]["role"], found[first]["share"]) == ("champion", 1.0)
    assert found[first]["decision"]["accepted"] is True
    assert found[first]["run"]["trigger"] == "hand"
    assert found[first]["dataset"]["number"] == 1
    assert found[first]["dataset"]["manifest"] == found[first]["model"]["manifest"]
    assert found[first]["ledger"] == [1, 2, 3]
    assert found[second]["deployment"]["actor"] == "ann"
    assert (found[second]["run"], found[second]["decision"]) == (None, None)
    told = command("why", first).out
    assert "revision 1 as champion" in told
    assert "dataset version 1" in told
    assert "rows 1, 2, 3" in told


def test_a_prediction_that_was_never_made_is_told(trained: Parts, command: Command) -> None:
    assert "there is no prediction" in command("why", new_id()).err
