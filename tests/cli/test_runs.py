"""Runs by command: list, show, log, cancel."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from tests import tens
from tests.cli.conftest import Command

from sightloop.hold import Hold
from sightloop.store import leases, runs
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
    assert command("runs", "log", "tens", "--follow", "--json").json[-1]["kind"] == "finished"


def test_a_run_that_a_killed_training_left_is_told_of_and_can_be_ended(home: Home, command: Command) -> None:
    """As where the terminal was closed under `sightloop train`."""
    parts = home()
    run, held = tens.ask(parts), Hold(parts.settings)
    held.take()
    with parts.database.write() as connection:
        leases.RUNS.take(connection, run.id, held.name)
    assert "will stop" in command("runs", "cancel", "tens").out
    held.free()
    tens.stock(parts)
    refused = command("train", "tens")
    assert refused.code == 4
    assert "`sightloop runs cancel tens` ends it" in refused.err
    assert "is cancelled" in command("runs", "cancel", "tens").out


def test_a_training_that_comes_to_nothing_is_shown_to_its_end(home: Home, command: Command) -> None:
    parts = home()
    run = tens.ask(parts)
    with parts.database.write() as connection:
        runs.log(connection, run.id, "metrics", "train", "epoch 1 of 1", {"done": 0.5, "loss": math.nan})
        runs.log(connection, run.id, "finished", "train", "", {})
        runs.request_cancel(connection, run.id)
    assert "epoch 1 of 1  loss nan" in command("runs", "log", "tens", "--follow").err


def test_a_runs_report_is_written_where_it_is_wanted(home: Home, command: Command, tmp_path: Path) -> None:
    parts = home(trained=True)
    (run,) = command("runs", "list", "--json").json
    path = parts.settings.home / "runs" / run["id"] / "report.html"
    assert path.resolve() == Path(command("runs", "report", "tens").out.strip()).resolve()
    assert "tens: version 1" in path.read_text()
    command("runs", "report", run["id"], "--out", str(tmp_path / "deep" / "mine.html"))
    assert (tmp_path / "deep" / "mine.html").read_bytes() == path.read_bytes()
    barred = command("runs", "report", "tens", "--out", "/proc/nowhere/x.html")
    assert barred.code == 2
    assert "cannot be written" in barred.err


def test_a_run_without_a_report_says_so(home: Home, command: Command) -> None:
    run = tens.ask(home())
    done = command("runs", "report", run.id)
    assert done.code == 3
    assert "has no report; got queued" in done.err


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
