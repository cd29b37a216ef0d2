"""Runs that wait for Airflow, where there is none; with a real one: tests/journeys/test_airflow.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests import tens
from tests.house import free_port

from sightloop.errors import Conflict, NotReady
from sightloop.loop.samples.collect import collect
from sightloop.loop.start import queue, start
from sightloop.store import runs
from sightloop.values.run import Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker

Make = Callable[..., Parts]


def alone(make_parts: Make) -> Parts:
    """Parts that are told of an Airflow where nobody listens."""
    return make_parts(
        airflow_url=f"http://127.0.0.1:{free_port()}", airflow_user="ann", airflow_password="a secret word"
    )


def last(parts: Parts) -> Run:
    with parts.database.read() as connection:
        found = runs.last(connection, "tens")
    assert found is not None
    return found


def test_a_person_is_told_at_once_that_airflow_does_not_answer(make_parts: Make) -> None:
    parts = alone(make_parts)
    with pytest.raises(NotReady, match="cannot be reached: ConnectError") as told:
        start(parts.settings, parts.database, parts.recipe("tens"), "hand", "ann")
    run = last(parts)
    assert (run.status, run.scheduler, run.error) == (Status.FAILED, "airflow", str(told.value))


def test_a_triggers_run_waits_until_airflow_answers_and_the_worker_complains_once(
    make_parts: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = alone(make_parts)
    collect(parts.database, parts.blobs, parts.recipe("tens"), tens.samples(5), author="ann", source="upload")
    worker = Worker(parts)
    worker.look()
    worker.hand_over()
    worker.hand_over()
    assert (last(parts).status, last(parts).scheduler) == (Status.QUEUED, "airflow")
    told = "".join(capsys.readouterr())
    assert told.count("waits: Airflow at") == 1
    assert "a secret word" not in told
    assert "a secret word" not in repr(parts.settings)


def test_without_airflow_the_run_is_the_workers(make_parts: Make) -> None:
    parts = make_parts()
    run = start(parts.settings, parts.database, parts.recipe("tens"), "hand", "ann", {"epochs": 2})
    assert (run.status, run.scheduler, run.parameters) == (Status.QUEUED, "", {"epochs": 2})
    with pytest.raises(Conflict):
        queue(parts.settings, parts.database, parts.recipe("tens"), "hand", "ann")
