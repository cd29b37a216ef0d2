"""A run's steps by command, as a scheduler calls them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests import tens
from tests.cli.conftest import Command

from sightloop.values.run import STEPS, Status
from sightloop.wiring import Parts

Home = Callable[..., Parts]


@pytest.mark.journey
def test_a_run_is_stepped_through(home: Home, command: Command) -> None:
    tens.stock(home())
    run = command("step", "open", "tens", "--scheduler", "cron", "--actor", "friday").out.strip()
    assert command("step", "open", "tens", "--scheduler", "cron", "--actor", "friday").out.strip() == run
    assert command("step", "open", "tens", "--run", run).out.strip() == run
    assert command("step", "open", "tens").code == 4
    assert command("step", "train", "--run", run).code == 4
    for name in STEPS:
        done = command("step", name, "--run", run)
        assert done.code == 0, done.err
        assert f"{name} begun" in done.err
    assert done.out == f"run {run} of tens: succeeded roll-out, 100%\n"
    assert command("step", "roll-out", "--run", run, "--json").json["result"]["deployed"]
    assert command("step", "close", "--run", run).code == 0
    assert command("step", "open", "tens", "--run", run).code == 4


def test_a_step_that_fails_says_why_and_ends_the_run(home: Home, command: Command) -> None:
    parts = home()
    run = command("step", "open", "tens", "--json").json["id"]
    failed = command("step", "freeze", "--run", run)
    assert failed.code == 1
    assert f"run {run} ended in the step freeze: tens has no labelled samples" in failed.err
    again = command("step", "freeze", "--run", run)
    assert (again.code, "has ended" in again.err) == (4, True)
    closed = command("step", "close", "--run", command("step", "open", "tens").out.strip())
    assert "failed" in closed.out
    assert tens.again(parts, tens.ask(parts)).status is Status.QUEUED


def test_a_step_of_the_workers_run_or_of_none_is_refused(home: Home, command: Command) -> None:
    run = tens.ask(home()).id
    assert "the worker works on run" in command("step", "freeze", "--run", run).err
    assert "cannot be stepped through" in command("step", "open", "tens", "--run", run).err
    assert command("step", "close", "--run", run).code == 4
    assert command("step", "freeze", "--run", "none").code == 3
    assert command("step", "open", "tens", "--scheduler", "").code == 2
    assert command("step", "open", "tens", "--scheduler", "a name of many letters").code == 2
    assert command("step", "open", "tnes").code == 3
