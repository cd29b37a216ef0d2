"""The worker: one to a home, triggers asked, runs worked off, MLflow told."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
from sqlalchemy.exc import OperationalError
from tests import clips, packages, tens
from tests.deploying import Home, write_recipes
from tests.house import alive, until

from sightloop import worker as module
from sightloop.errors import Conflict
from sightloop.hold import holder
from sightloop.loop.samples.collect import collect
from sightloop.store import database, deployments, runs, tracking, versions, videos
from sightloop.values.run import Run, Status
from sightloop.values.version import Verdict
from sightloop.values.video import Stage, Video
from sightloop.wiring import Parts
from sightloop.worker import Worker

Make = Callable[..., Parts]


def last(parts: Parts) -> Run | None:
    with parts.database.read() as connection:
        return runs.last(connection, "tens")


def upload(parts: Parts, count: int) -> None:
    items = [msgspec.structs.replace(item, label="9") for item in tens.samples(count)]
    collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="ann", source="upload")


def work_at() -> int:
    """The number of the process in which this one has work done, or 0."""
    found = [one.pid for one in psutil.Process().children() if alive(one.pid)]
    return next((pid for pid in found if "sightloop.compute.child" in psutil.Process(pid).cmdline()), 0)


def test_one_worker_holds_a_home_and_says_who_it_is(make_parts: Make) -> None:
    parts = make_parts()
    assert holder(parts.settings) is None
    with Worker(parts):
        pulse = until(lambda: holder(parts.settings))
        assert pulse.process == os.getpid()
        with pytest.raises(Conflict, match=f"process {os.getpid()}, since 20"), Worker(parts):
            pytest.fail("two workers in one home")
    assert holder(parts.settings) is None


def test_a_worker_that_cannot_begin_gives_the_home_back(make_parts: Make) -> None:
    parts = make_parts()
    records = parts.settings.home / "dbos.db"
    records.mkdir()
    with pytest.raises(OperationalError, match="unable to open"), Worker(parts):
        pytest.fail("a worker without records")
    assert holder(parts.settings) is None
    records.rmdir()
    with Worker(parts):
        assert until(lambda: holder(parts.settings))


def test_a_pulse_that_cannot_be_written_is_told_and_written_when_it_can_be(
    make_parts: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.02)
    parts = make_parts()
    worker = Worker(parts)
    in_the_way = parts.settings.home / "worker.json"
    in_the_way.mkdir()
    with worker:
        until(lambda: "the pulse cannot be written" in "".join(capsys.readouterr()), 10, 0.02)
        in_the_way.rmdir()
        until(lambda: (pulse := holder(parts.settings)) and pulse.process == os.getpid(), 10, 0.02)


def test_a_trigger_queues_one_run_and_no_second_while_it_is_open(make_parts: Make) -> None:
    parts = make_parts()
    upload(parts, 5)
    worker = Worker(parts)
    worker.look()
    worker.look()
    with parts.database.read() as connection:
        (run,) = runs.queued(connection)
        (event,) = runs.events(connection, run.id)
    assert (run.project, run.trigger, run.actor) == ("tens", "labels", "trigger")
    assert event.message == "5 samples were labelled since the last run (at least 5)"


def test_a_trigger_that_cannot_be_understood_is_told_once_and_harms_nobody(
    make_parts: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(make_parts(tens.RECIPE.replace("labels = 5", 'schedule = "never"')))
    worker.look()
    worker.look()
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("is no cron expression") == 1


def test_a_worker_works_until_it_is_stopped(make_parts: Make) -> None:
    parts = make_parts()
    with Worker(parts) as worker:
        working = threading.Thread(target=worker.run)
        working.start()
        run = tens.ask(parts)
        until(lambda: tens.again(parts, run).status.ended)
        worker.stop()
        working.join(10)
        assert not working.is_alive()
    assert tens.again(parts, run).status is Status.FAILED


def test_a_worker_is_heard_of_while_its_video_tells_nothing(
    make_parts: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.02)
    parts = make_parts(recipes=write_recipes(tmp_path / "recipes"))
    home = Home(parts.settings)
    home.deploy(packages.squares())
    id = home.send("squares", clips.write(tmp_path / "clip.mp4", 500, preset="ultrafast")).id

    def seen() -> Video:
        with parts.database.read() as connection:
            return videos.get(connection, id)

    heard: set[str | None] = set()

    def beats() -> int:
        heard.add(seen().heard)
        return len(heard)

    with Worker(parts) as worker:
        working = threading.Thread(target=worker.run)
        working.start()
        until(lambda: seen().done, 60, 0.02)
        os.kill(child := work_at(), signal.SIGSTOP)
        until(lambda: beats() > 3, 10, 0.02)
        os.kill(child, signal.SIGCONT)
        assert until(lambda: (now := seen()).stage.ended and now, 60).stage is Stage.SUCCEEDED
        worker.stop()
        working.join(10)
    home.database.close()


def test_a_worker_waits_for_a_database_that_is_locked(
    make_parts: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    parts = make_parts()
    tens.stock(parts)
    upload(parts, 5)  # a trigger is due, which queues a run
    with Worker(parts) as worker:
        working = threading.Thread(target=worker.run)
        with parts.database.write():
            working.start()
            until(lambda: "the database is waited for: database is locked" in "".join(capsys.readouterr()), 10, 0.02)
        run = until(lambda: (row := last(parts)) and row.step == "train" and row, 30, 0.01)
        child = until(work_at, 10, 0.01)
        with parts.database.write():
            until(lambda: not alive(child), 60, 0.02)
            time.sleep(0.5)  # in which the end of the training is to be written down
        ended = until(lambda: (row := tens.again(parts, run)).status.ended and row)
        assert working.is_alive()
        worker.stop()
        working.join(10)
    assert (ended.status, ended.error) == (Status.SUCCEEDED, None)
    begun = [event.step for event in tens.events(parts, run) if event.kind == "begun"]
    assert begun.count("train") == 1  # what was trained meanwhile was kept


def test_mlflow_is_told_of_a_champion_that_others_put_in_place(
    make_parts: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    parts = make_parts(trained=True)
    url = parts.settings.mlflow
    with parts.database.write() as connection:
        first = versions.get(connection, "tens", 1)
        second = runs.open(connection, "tens", "hand", "ann")
        versions.register(connection, "tens", first.package, first.card, Verdict.ACCEPTED, "a copy", second.id)
        deployments.promote(connection, "tens", 2, "ann", "by hand", licences=frozenset())
    monkeypatch.setattr(module, "_MIRROR_SECONDS", 0.0)
    worker = Worker(parts)
    worker.mirror()  # of no use: MLflow does not know the run yet
    tracking.log_run(url, project="tens", run=second.id, parameters={}, metrics={}, root=parts.settings.home)
    tracking.register(url, project="tens", version=2, run=second.id)
    worker.mirror()
    client = MlflowClient(tracking_uri=url, registry_uri=url)
    assert client.get_model_version_by_alias("tens", "champion").tags["sightloop.version"] == "2"
