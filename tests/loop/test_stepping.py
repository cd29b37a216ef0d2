"""A run whose steps another scheduler begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update
from tests import tens

from sightloop.errors import Busy, Cancelled, Conflict, SightloopError
from sightloop.loop.stepping import Stepper
from sightloop.loop.work import Work
from sightloop.store import deployments, leases, runs, tables
from sightloop.values.run import STEPS, Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker

Make = Callable[..., Parts]


def opened(parts: Parts, scheduler: str = "test") -> Run:
    with parts.database.write() as connection:
        return runs.open(connection, "tens", "hand", "test", {}, scheduler)


def stepper(parts: Parts, worker: str = "one", *, stopping: bool = False) -> Stepper:
    work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, lambda: stopping, worker)
    return Stepper(work, parts.database, worker, lambda: stopping)


def test_a_run_goes_step_by_step_each_from_another_process_and_each_once(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    for number, name in enumerate(STEPS):
        for later in STEPS[number + 1 :]:
            with pytest.raises(Conflict, match=f"not the turn of the step {later}; expected {name}"):
                stepper(parts, "hasty").do(later, run.id)
        done = stepper(parts, f"process-{number}").do(name, run.id)
        assert (done.step, done.worker) == (name, None)
        stepper(parts, "again").do(name, run.id)
    ended = tens.again(parts, run)
    assert ended.status is Status.SUCCEEDED
    kinds = [(event.step, event.kind) for event in tens.events(parts, run) if event.kind in ("begun", "ended")]
    assert kinds == [(step, kind) for step in STEPS for kind in ("begun", "ended")]
    with parts.database.read() as connection:
        assert [one.actor for one in deployments.history(connection, "tens")] == [f"run {run.id}"]
    kept = {path.name for path in (parts.settings.home / "runs" / run.id).iterdir()}
    assert kept == {"curves.csv", "curves.json", "figures", "report.html"}


def test_the_workers_runs_are_not_stepped_through_and_the_worker_leaves_those_of_others(make_parts: Make) -> None:
    parts = make_parts()
    run = opened(parts)
    with Worker(parts) as worker:
        worker.work_off(run.id)
    assert tens.again(parts, run).status is Status.QUEUED
    with parts.database.write() as connection:
        runs.request_cancel(connection, run.id)
    with pytest.raises(Conflict, match="the worker works on run"):
        stepper(parts).do("freeze", opened(parts, "").id)


def test_a_step_that_fails_ends_the_run_with_its_reason(make_parts: Make) -> None:
    parts = make_parts()
    run = opened(parts)
    with pytest.raises(SightloopError, match="ended in the step freeze: tens has no labelled samples"):
        stepper(parts).do("freeze", run.id)
    ended = tens.again(parts, run)
    assert (ended.status, ended.step) == (Status.FAILED, "freeze")
    assert "no labelled samples" in str(ended.error)
    with pytest.raises(Conflict, match="has ended; expected an open run; got failed tens has no labelled"):
        stepper(parts).do("freeze", run.id)


def test_a_cancelled_run_takes_no_further_step(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    with parts.database.write() as connection:
        runs.update(connection, run.id, cancelling=True)
    with pytest.raises(Cancelled):
        stepper(parts).do("freeze", run.id)
    assert tens.again(parts, run).status is Status.CANCELLED


def test_a_step_that_another_process_is_at_is_left_to_it(make_parts: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    with parts.database.write() as connection:
        leases.RUNS.take(connection, run.id, "other")
    monkeypatch.setattr(leases, "LAPSE_SECONDS", 3.0)
    with parts.database.write() as connection:
        connection.execute(update(tables.runs).values(heard="2999-01-01"))  # it lives on
    with pytest.raises(Busy, match="another process is at the step"):
        stepper(parts).do("freeze", run.id)
    with pytest.raises(Busy):
        stepper(parts).close(run.id)
    with parts.database.write() as connection:
        connection.execute(update(tables.runs).values(heard="2020-01-01"))  # it was killed
    assert stepper(parts).do("freeze", run.id).result["dataset"] == 1


def test_a_process_that_is_to_end_gives_its_step_up(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    stepper(parts).do("freeze", run.id)
    with pytest.raises(Busy, match="asked to end"):
        stepper(parts, stopping=True).do("prepare", run.id)
    left = tens.again(parts, run)
    assert (left.status, left.worker) == (Status.RUNNING, None)


def test_a_run_that_was_given_up_is_closed_once(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    stepper(parts).do("freeze", run.id)
    closed = stepper(parts).close(run.id)
    assert (closed.status, closed.error) == (Status.FAILED, "test gave the run up after the step freeze")
    assert stepper(parts).close(run.id) == closed


def test_a_broken_sample_is_named_before_the_training(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    broken = parts.blobs.pack([b"no picture"])[0]
    with parts.database.write() as connection:
        one = connection.execute(tables.samples.select().limit(1)).mappings().one()
        where = tables.samples.c.digest == one["digest"]
        place = {"blob": broken.blob, "offset": broken.offset, "length": broken.length}
        connection.execute(update(tables.samples).where(where).values(place))
    run = opened(parts)
    stepper(parts).do("freeze", run.id)
    with pytest.raises(SightloopError, match="was altered or damaged"):
        stepper(parts).do("prepare", run.id)


def test_what_another_machine_prepared_is_prepared_again(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = opened(parts)
    for name in STEPS[:3]:
        done = stepper(parts).do(name, run.id)
    folder = parts.settings.home / "runs" / run.id / "prepared"
    assert done.result["prepared"] == 600
    assert sum(path.stat().st_size for path in folder.iterdir()) == done.result["bytes"]
    for path in folder.iterdir():
        path.unlink()
    assert stepper(parts).do("train", run.id).result["trained"]
