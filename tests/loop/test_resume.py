"""A worker killed in every step: the next one goes on, and in the end nothing happened twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import NullPool, create_engine, text
from tests import tens
from tests.house import until

from sightloop.store import deployments, leases, versions
from sightloop.values.run import STEPS, Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker


@contextmanager
def working(parts: Parts, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a process of its own, as an operator starts it."""
    settings = parts.settings
    environment = os.environ | {
        "SIGHTLOOP_HOME": str(settings.home),
        "SIGHTLOOP_RECIPES": str(settings.recipes),
        "SIGHTLOOP_POLL_SECONDS": "0.1",
        "SIGHTLOOP_OFFLINE": "true",
    }
    environment |= more
    with (settings.home.parent / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sightloop.cli.main", "worker"], env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def begun(parts: Parts, run: Run, step: str) -> bool:
    return any((event.step, event.kind) == (step, "begun") for event in tens.events(parts, run))


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_a_run_killed_in_every_step_ends_as_if_nothing_had_happened(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts(trained=True)
    run = tens.ask(parts)
    for step in STEPS:
        with working(parts) as process:
            until(lambda step=step: begun(parts, run, step), 60, every=0.005)  # type: ignore[misc]
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
            process.wait()
            psutil.wait_procs(children, timeout=10)
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    with working(parts) as process:
        until(lambda: tens.again(parts, run).status.ended, 120)
        process.terminate()
        assert process.wait(20) == 0

    ended = tens.again(parts, run)
    assert (ended.status, ended.error) == (Status.SUCCEEDED, None)
    finished = Counter(event.step for event in tens.events(parts, run) if event.kind == "ended")
    assert finished == dict.fromkeys(STEPS, 1)
    with parts.database.read() as connection:
        assert [version.number for version in versions.list(connection, "tens")] == [2, 1]
        assert [one.champion.version for one in deployments.history(connection, "tens")] == [2, 1]


@pytest.mark.journey
def test_a_worker_on_another_machine_goes_on_with_what_a_dead_one_had(
    make_parts: Callable[..., Parts], make_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database()
    shared = {"database_url": url, "blobs_url": f"file://{tmp_path}/blobs"}
    here = make_parts(home=tmp_path / "here", **shared)
    there = make_parts(home=tmp_path / "there", **shared)
    tens.stock(here)
    run = tens.ask(here)
    with working(here, SIGHTLOOP_DATABASE_URL=url, SIGHTLOOP_BLOBS_URL=shared["blobs_url"]):
        until(lambda: begun(here, run, "train"), 60, every=0.005)
    dead = tens.again(here, run).worker
    with Worker(there) as worker:
        worker.work_off(run.id)
        assert tens.again(there, run).worker == dead, "it might live"
        monkeypatch.setattr(leases, "LAPSE_SECONDS", 1.0)
        while not tens.again(there, run).status.ended:
            worker.work_off(run.id)
    ended = tens.again(there, run)
    assert (ended.status, ended.error) == (Status.SUCCEEDED, None)
    finished = Counter(event.step for event in tens.events(there, run) if event.kind == "ended")
    assert finished == dict.fromkeys(STEPS, 1)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        workflows = connection.execute(text("select count(*) from dbos.workflow_status")).scalar_one()
    assert workflows == 2


@pytest.mark.journey
def test_a_worker_asked_to_end_leaves_its_step_to_the_next(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts(trained=True)
    run = tens.ask(parts)
    with working(parts) as process:
        until(lambda: begun(parts, run, "train"), 60, every=0.02)
        process.terminate()
        assert process.wait(20) == 0
    left = tens.again(parts, run)
    assert (left.status, left.step) == (Status.RUNNING, "train")


PHOTOGRAPHED = (
    tens.RECIPE.replace('trainer = "sklearn"\nepochs = 5', 'trainer = "timm"\nepochs = 4\nbatch_size = 16')
    .replace('model = "logistic"', 'backbone = "test_efficientnet"\nweights = "none"\nfrozen = 1\nhead = "tuned"')
    .replace("= 28", "= 32")
    .replace("floors = { accuracy = 0.6 }", "")
)


@pytest.mark.journey
@pytest.mark.timeout(600)
def test_a_training_killed_in_the_middle_goes_on_after_its_last_epoch(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts(PHOTOGRAPHED)
    tens.stock(parts, 150)
    run = tens.ask(parts)
    with working(parts) as process:
        until(lambda: told(parts, run, "epoch 3 of 4"), 100, every=0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with working(parts):
        until(lambda: tens.again(parts, run).status.ended, 120)

    assert tens.again(parts, run).status is Status.SUCCEEDED
    messages = [event.message for event in tens.events(parts, run)]
    # The third epoch was heard of before the process was killed; on a busy machine that may have been at its end.
    last, first = next((epoch, messages.index(cut)) for epoch in (2, 3) if (cut := going_on(epoch)) in messages)
    assert f"epoch {last} of 4" in messages[:first]
    assert f"epoch {last} of 4" not in messages[first:]
    left = parts.settings.home / "runs" / run.id / "checkpoints"
    assert not left.exists()


def going_on(epoch: int) -> str:
    return f"going on after epoch {epoch}, where it was cut off"


def told(parts: Parts, run: Run, message: str) -> bool:
    return any(event.message.startswith(message) for event in tens.events(parts, run))
