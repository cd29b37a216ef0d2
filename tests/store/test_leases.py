"""Who works on a run or a video: one process at a time, and another when that one is not heard of any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from sightloop.store import leases, runs, tables, videos
from sightloop.store.database import Database
from sightloop.values.run import Run, Status
from sightloop.values.video import Handling


def opened(database: Database, scheduler: str = "") -> Run:
    with database.write() as c:
        return runs.open(c, "digits", "hand", "ann", scheduler=scheduler)


def take(database: Database, run: Run, worker: str) -> bool:
    with database.write() as c:
        return leases.RUNS.take(c, run.id, worker)


def age(database: Database, run: Run, seconds: float) -> None:
    """Let it be so long ago that the run's worker was heard of."""
    heard = datetime.now(UTC) - timedelta(seconds=seconds)
    with database.write() as c:
        c.execute(update(tables.runs).where(tables.runs.c.id == run.id).values(heard=heard.isoformat()))


def test_a_run_is_taken_by_one_and_by_that_one_again(database: Database) -> None:
    run = opened(database)
    assert take(database, run, "one")
    assert not take(database, run, "two")
    assert take(database, run, "one")
    with database.write() as c:
        row = runs.get(c, run.id)
        assert leases.RUNS.hold(c, run.id, "one")
        assert not leases.RUNS.hold(c, run.id, "two")
    assert (row.status, row.worker) == (Status.RUNNING, "one")
    assert row.started is not None


def test_it_began_when_it_was_first_taken(database: Database) -> None:
    run = opened(database)
    with database.write() as c:
        leases.RUNS.take(c, run.id, "one")
        first = runs.get(c, run.id).started
        leases.RUNS.take(c, run.id, "one")
        assert runs.get(c, run.id).started == first


def test_a_lease_that_is_not_renewed_lapses(database: Database) -> None:
    run = opened(database)
    take(database, run, "one")
    age(database, run, leases.LAPSE_SECONDS - 5)
    assert not take(database, run, "two")
    age(database, run, leases.LAPSE_SECONDS + 5)
    with database.write() as c:
        leases.renew(c, "one")
    assert not take(database, run, "two")
    age(database, run, leases.LAPSE_SECONDS + 5)
    assert take(database, run, "two")
    assert not take(database, run, "one")


def test_a_released_run_is_free_and_only_its_worker_releases_it(database: Database) -> None:
    run = opened(database)
    take(database, run, "one")
    with database.write() as c:
        leases.RUNS.release(c, run.id, "two")
    assert not take(database, run, "two")
    with database.write() as c:
        leases.RUNS.release(c, run.id, "one")
    assert take(database, run, "two")


def test_an_ended_run_is_taken_by_nobody(database: Database) -> None:
    run = opened(database)
    with database.write() as c:
        runs.finish(c, run.id, Status.FAILED, {}, "a test")
    assert not take(database, run, "one")


def test_workers_see_their_own_runs_and_the_free_ones_but_not_those_of_other_schedulers(database: Database) -> None:
    run = opened(database)
    take(database, run, "one")
    with database.write() as c:
        queued = runs.open(c, "gestures", "hand", "ann")
        runs.open(c, "leaf", "hand", "ann", scheduler="airflow")
    with database.read() as c:
        assert [one.id for one in runs.waiting(c, "one")] == [run.id, queued.id]
        assert [one.id for one in runs.waiting(c, "two")] == [queued.id]
        assert [one.project for one in runs.queued(c, "airflow")] == ["leaf"]
    age(database, run, leases.LAPSE_SECONDS + 5)
    with database.read() as c:
        assert [one.id for one in runs.waiting(c, "two")] == [run.id, queued.id]


def test_a_run_whose_worker_is_dead_is_cancelled_at_once(database: Database) -> None:
    run = opened(database)
    take(database, run, "one")
    with database.write() as c:
        assert runs.request_cancel(c, run.id).status is Status.RUNNING
        assert runs.request_cancel(c, run.id, "two").status is Status.RUNNING
    age(database, run, leases.LAPSE_SECONDS + 5)
    with database.write() as c:
        assert runs.request_cancel(c, run.id).status is Status.CANCELLED
        assert not leases.RUNS.take(c, run.id, "one")


def test_a_run_between_two_steps_of_another_scheduler_is_cancelled_at_once(database: Database) -> None:
    run = opened(database, "airflow")
    take(database, run, "one")
    with database.write() as c:
        assert runs.request_cancel(c, run.id).status is Status.RUNNING
        leases.RUNS.release(c, run.id, "one")
        assert runs.request_cancel(c, run.id).status is Status.CANCELLED


def test_a_worker_is_heard_of_for_its_videos_too(database: Database) -> None:
    with database.write() as c:
        video = videos.open(c, "digits", "clip.mp4", 1, Handling())
        assert not leases.VIDEOS.take(c, video.id, "one"), "it is not all here"
        videos.receive(c, video.id, 1)
        assert leases.VIDEOS.take(c, video.id, "one")
        c.execute(update(tables.videos).values(heard="2026-01-01T00:00:00.000000+00:00"))
        leases.renew(c, "one")
        assert not leases.VIDEOS.take(c, video.id, "two")
        c.execute(update(tables.videos).values(heard="2026-01-01T00:00:00.000000+00:00"))
        assert leases.VIDEOS.take(c, video.id, "two")
        assert not leases.VIDEOS.hold(c, video.id, "one")
        assert leases.VIDEOS.hold(c, video.id, "two")
