"""Training by command, with and without a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests import tens
from tests.cli.conftest import Command
from tests.house import until

from sightloop.cli.train import work
from sightloop.hold import Hold
from sightloop.store import runs
from sightloop.values.run import Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker

Home = Callable[..., Parts]


def test_training_imports_the_recipes_data_and_ends_with_a_champion(home: Home, command: Command) -> None:
    parts = home()
    done = command("train", "tens")
    assert done.code == 0, done.err
    assert "version 1 of tens: accuracy 0." in done.out
    assert "it serves now:\n  accuracy 0." in done.out
    assert "1797 added" in done.err
    assert "freeze: begun" in done.err
    listed = command("models", "list", "tens", "--json").json
    assert [(one["number"], one["role"], one["verdict"]) for one in listed] == [(1, "champion", "accepted")]
    assert parts.settings.home.is_dir()


def test_training_without_data_says_how_to_bring_it(home: Home, command: Command) -> None:
    home(tens.RECIPE.replace('sources = ["bundled-digits"]', 'sources = ["gestures"]'))
    done = command("train", "tens")
    assert done.code == 2
    assert "none of its sources can be had here" in done.err
    assert "sightloop data import tens PATH" in done.err


def test_a_failed_run_is_told_with_its_reason(home: Home, command: Command) -> None:
    parts = home(tens.RECIPE.replace("[data]", "[split]\nvalidation = 0\n[data]"))
    tens.stock(parts)
    done = command("train", "tens", "--json")
    assert done.code == 1
    assert "failed in the step freeze: tens has no samples on the validation side" in done.err
    assert done.json["status"] == "failed"


def test_a_worker_that_dies_is_not_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: Worker, run: str) -> None:
        raise OSError(f"no space left for {run}")

    parts = home()
    monkeypatch.setattr(Worker, "work_off", die)
    with pytest.raises(OSError, match="no space left"):
        work(parts, "tens", {})


def test_retrain_queues_and_a_second_one_is_told_of_the_first(
    home: Home, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "cem")
    home()
    first = command("retrain", "tens", "--json")
    assert (first.code, first.json["status"], first.json["trigger"]) == (0, "queued", "hand")
    assert first.json["actor"] == "cem"
    second = command("retrain", "tens")
    assert second.code == 4
    assert first.json["id"] in second.err
    assert "no worker is running" in command("retrain", "digits").err


def test_a_worker_that_runs_does_the_work(home: Home, command: Command) -> None:
    parts = home(tens.RECIPE.replace("[data]", "[split]\ntest = 0\n[data]"))
    tens.stock(parts)
    with Worker(parts) as worker:
        working = threading.Thread(target=worker.run)
        working.start()
        until(lambda: (parts.settings.home / "worker.json").is_file())
        done = command("retrain", "tens", "--follow")
        trained = command("train", "tens")
        worker.stop()
        working.join()
    assert done.code == trained.code == 1
    assert "test side" in done.err


def test_a_run_is_worked_off_when_the_worker_that_was_there_ends(home: Home) -> None:
    """As where another `sightloop train` holds the home, which works on no run but its own."""
    parts = home(tens.RECIPE.replace("[data]", "[split]\ntest = 0\n[data]"))
    tens.stock(parts)
    other = Hold(parts.settings)
    other.take()
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(work, parts, "tens", {})
        run = until(lambda: last(parts))
        time.sleep(0.5)
        assert tens.again(parts, run).status is Status.QUEUED
        other.free()
        ended = training.result(60)
    assert (ended.id, ended.status, ended.step) == (run.id, Status.FAILED, "freeze")


def last(parts: Parts) -> Run | None:
    with parts.database.read() as connection:
        return runs.last(connection, "tens")


def test_parameters_that_cannot_be_are_refused(home: Home, command: Command) -> None:
    home()
    assert command("train", "tens", "--epochs", "0").code == 2
