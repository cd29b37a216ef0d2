"""Runs: one open in a project, ended once, events in their order."""

from __future__ import annotations

import threading

import pytest

from sightloop.errors import Conflict, NotFound
from sightloop.store import leases, runs
from sightloop.store.database import Database
from sightloop.values.moment import new_id
from sightloop.values.run import Run, Status


def start(database: Database, project: str = "digits", trigger: str = "hand") -> Run:
    """A new queued run."""
    with database.write() as c:
        return runs.open(c, project, trigger, "ann", {"epochs": 3})


def end(database: Database, run: Run, status: Status = Status.SUCCEEDED) -> Run:
    """The run, ended."""
    with database.write() as c:
        return runs.finish(c, run.id, status)


def test_an_opened_run_is_queued_and_comes_back(database: Database) -> None:
    run = start(database)
    with database.read() as c:
        assert runs.get(c, run.id) == run
        assert runs.queued(c) == [run]
    assert (run.status, run.parameters, run.progress, run.cancelling) == (Status.QUEUED, {"epochs": 3}, 0.0, False)


def test_a_second_run_of_a_project_is_refused_and_the_open_one_named(database: Database) -> None:
    run = start(database)
    start(database, "gestures")
    with pytest.raises(Conflict, match=run.id) as refused, database.write() as c:
        runs.open(c, "digits", "labels", "worker")
    assert refused.value.hint
    end(database, run)
    assert start(database).id != run.id


def test_a_refusal_leaves_the_transaction_usable(database: Database) -> None:
    run = start(database)
    with database.write() as c:
        with pytest.raises(Conflict):
            runs.open(c, "digits", "labels", "worker")
        runs.log(c, run.id, "line", "", "asked for again")
    with database.read() as c:
        assert [event.message for event in runs.events(c, run.id)] == ["asked for again"]


def test_of_many_that_ask_at_once_one_gets_a_run(database: Database) -> None:
    opened: list[Run] = []
    refused: list[Conflict] = []

    def ask() -> None:
        try:
            opened.append(start(database))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), len(refused)) == (1, 7)
    assert all(opened[0].id in str(error) for error in refused)


def test_progress_is_kept(database: Database) -> None:
    run = start(database)
    with database.write() as c:
        leases.RUNS.take(c, run.id, "ann")
        runs.update(c, run.id, step="train", progress=0.25, result={"dataset": 3, "loss": float("nan")})
    with database.read() as c:
        found = runs.get(c, run.id)
    assert (found.step, found.progress, found.result) == ("train", 0.25, {"dataset": 3, "loss": None})


def test_a_run_ends_once_and_in_one_way(database: Database) -> None:
    run = start(database)
    with database.write() as c:
        ended = runs.finish(c, run.id, Status.FAILED, {"dataset": 1}, "the disk is full")
    assert (ended.error, ended.result) == ("the disk is full", {"dataset": 1})
    assert ended.finished is not None
    assert end(database, run, Status.FAILED) == ended
    with pytest.raises(Conflict, match="has ended"):
        end(database, run, Status.SUCCEEDED)
    with pytest.raises(Conflict, match="has ended"), database.write() as c:
        runs.update(c, run.id, status=Status.RUNNING)


def test_a_queued_run_is_cancelled_at_once(database: Database) -> None:
    run = start(database)
    with database.write() as c:
        cancelled = runs.request_cancel(c, run.id)
        assert not leases.RUNS.take(c, run.id, "ann")
    assert cancelled.status is Status.CANCELLED
    assert cancelled.finished is not None
    with pytest.raises(Conflict), database.write() as c:
        runs.request_cancel(c, run.id)


def test_a_running_run_is_asked_to_stop(database: Database) -> None:
    run = start(database)
    with database.write() as c:
        leases.RUNS.take(c, run.id, "ann")
        asked = runs.request_cancel(c, run.id)
    assert (asked.status, asked.cancelling) == (Status.RUNNING, True)
    assert end(database, run, Status.CANCELLED).status is Status.CANCELLED


def test_pages_go_back_in_time(database: Database) -> None:
    made = []
    for number in range(5):
        run = start(database, "digits" if number % 2 else "gestures", "labels" if number < 2 else "hand")
        made.append(end(database, run))
    with database.read() as c:
        assert runs.page(c, limit=2) == made[:2:-1]
        assert runs.page(c, before=made[3].id) == made[2::-1]
        assert runs.page(c, "digits") == [made[3], made[1]]
        assert runs.last(c, "gestures") == made[4]
        assert runs.last(c, "leaf") is None


def test_events_come_in_order_and_after_a_number(database: Database) -> None:
    run, other = start(database), start(database, "gestures")
    with database.write() as c:
        first = runs.log(c, run.id, "begun", "freeze")
        runs.log(c, other.id, "begun", "freeze")
        second = runs.log(c, run.id, "line", "train", "epoch 1", {"loss": 0.5})
    with database.read() as c:
        assert runs.events(c, run.id) == [first, second]
        assert runs.events(c, run.id, after_seq=first.seq) == [second]
    assert (first.seq, second.seq) == (1, 2)


def test_what_is_not_there_is_not_found(database: Database) -> None:
    with database.write() as c:
        with pytest.raises(NotFound):
            runs.get(c, new_id())
        with pytest.raises(NotFound):
            runs.request_cancel(c, new_id())
        assert not leases.RUNS.take(c, new_id(), "ann")
