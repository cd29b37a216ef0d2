"""Runs by command: list, show, log, cancel."""

from __future__ import annotations

from collections.abc import Callable

from tests import tens
from tests.cli.conftest import Command

from sightloop.wiring import Parts

Home = Callable[..., Parts]


def test_a_finished_run_is_listed_shown_and_told(home: Home, command: Command) -> None:
    home(trained=True)
    (listed,) = command("runs", "list", "--json").json
    assert listed["status"] == "succeeded"
    assert listed["id"] in command("runs", "list", "tens").out
    shown = command("runs", "show", "tens")
    assert "succeeded" in shown.out
    assert "no champion to compare with" in shown.out
    assert command("runs", "show", listed["id"], "--json").json == listed
    log = command("runs", "log", "tens").out
    assert "train     begun" in log
    assert "finished" in log
    assert command("runs", "log", "tens", "--json").json[0]["kind"] == "begun"
    assert "freeze: begun" in command("runs", "log", "tens", "--follow").err


def test_a_queued_run_is_cancelled(home: Home, command: Command) -> None:
    run = tens.ask(home())
    assert command("runs", "cancel", run.id).out == f"run {run.id} is cancelled\n"
    again = command("runs", "cancel", "tens")
    assert again.code == 4
    assert "has ended" in again.err


def test_what_is_no_run_is_told(home: Home, command: Command) -> None:
    home()
    assert command("runs", "show", "tens").err == "Error: tens has no runs yet\n"
    assert command("runs", "log", "0190").code == 3
    assert command("runs", "list").out == "no runs yet\n"
