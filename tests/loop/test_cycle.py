"""A run from its first step to its last, with real training in a real child process."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from tests import packages as made
from tests import tens

from sightloop.errors import Conflict
from sightloop.loop import cycle as cycles
from sightloop.loop.cycle import Cycle
from sightloop.loop.job import Job
from sightloop.loop.samples.collect import collect
from sightloop.loop.steps import roll_out
from sightloop.loop.work import Work
from sightloop.store import datasets, deployments, leases, packages, reports, runs, versions
from sightloop.values.run import STEPS, Run, Status
from sightloop.values.sample import Labelled, Side, digest_of
from sightloop.values.version import ModelVersion, Verdict
from sightloop.wiring import Parts
from sightloop.worker import Worker

Make = Callable[..., Parts]


def first_run(parts: Parts) -> Run:
    with parts.database.read() as connection:
        run = runs.last(connection, "tens")
    assert run is not None
    return run


def champion(parts: Parts) -> ModelVersion:
    with parts.database.read() as connection:
        present = deployments.current(connection, "tens")
        assert present is not None
        return versions.get(connection, "tens", present.champion.version)


def begin(worker: Worker, run: Run) -> threading.Thread:
    working = threading.Thread(target=worker.work_off, args=(run.id,))
    working.start()
    return working


def test_a_first_run_ends_with_a_champion(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    run = first_run(parts)
    assert (run.status, run.error, run.progress) == (Status.SUCCEEDED, None, 1.0)
    assert run.result["scores"]["accuracy"] > 0.6
    version = champion(parts)
    assert version.number == run.result["version"] == 1
    card = packages.load(parts.blobs, version.package).card
    assert card.scores is not None
    assert card.scores.samples == run.result["counts"]["test"]
    assert card.dataset == run.result["manifest"]
    kinds = [(event.step, event.kind) for event in tens.events(parts, run) if event.kind in ("begun", "ended")]
    assert kinds == [(step, kind) for step in STEPS for kind in ("begun", "ended")]
    assert (parts.settings.home / "runs" / run.id / "curves.csv").is_file()
    page = reports.of_run(parts.blobs, run)
    assert page == (parts.settings.home / "runs" / run.id / "report.html").read_bytes()
    assert b"Accepted by the gate" in page
    assert b"no champion to compare with" in page


def test_mlflow_knows_the_run_the_version_and_the_champion(make_parts: Make) -> None:
    from mlflow import MlflowClient

    parts = make_parts(trained=True)
    run = first_run(parts)
    client = MlflowClient(tracking_uri=parts.settings.mlflow, registry_uri=parts.settings.mlflow)
    version = client.get_model_version_by_alias("tens", "champion")
    assert version.tags["sightloop.run"] == run.id
    assert version.run_id is not None
    recorded = client.get_run(version.run_id)
    assert recorded.data.metrics["accuracy"] == pytest.approx(run.result["scores"]["accuracy"])
    assert recorded.data.params["trainer"] == "sklearn"
    assert recorded.data.tags["dataset"] == str(run.result["dataset"])
    kept = {item.path for item in client.list_artifacts(version.run_id)}
    assert {"curves.csv", "curves.json", "figures", "package", "report.html", "requirements.txt"} <= kept


def test_a_worse_challenger_is_refused_kept_and_does_not_serve(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    with parts.database.read() as connection:
        manifest = datasets.manifest(connection, parts.blobs, "tens", first_run(parts).result["dataset"])
    held = {entry.digest for entry in manifest.on(Side.TEST)}
    lies = [
        Labelled(content=item.content, label=str(9 - int(item.label)))
        for item in tens.samples()
        if digest_of(item.content) not in held
    ]
    collect(parts.database, parts.blobs, parts.recipe("tens"), lies, author="mallory", source="upload")
    run = tens.turn(parts, seed=3)
    assert run.status is Status.REFUSED
    assert run.result["champion"] == 1
    with parts.database.read() as connection:
        version = versions.get(connection, "tens", 2)
    assert version.verdict is Verdict.REFUSED
    assert version.card.seed == 3
    assert "accuracy 0." in version.reason
    assert "worse: on" in version.reason
    assert champion(parts).number == 1


def test_a_run_without_samples_fails_with_the_reason(make_parts: Make) -> None:
    parts = make_parts()
    run = tens.turn(parts)
    assert (run.status, run.step) == (Status.FAILED, "freeze")
    assert "no labelled samples" in str(run.error)
    assert tens.events(parts, run)[-1].kind == "finished"


def test_a_run_without_held_out_samples_fails_before_it_trains(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE.replace("[data]", "[split]\ntest = 0\n[data]"))
    tens.stock(parts)
    run = tens.turn(parts)
    assert (run.status, run.step) == (Status.FAILED, "freeze")
    assert "no samples on the test side" in str(run.error)


def test_options_that_the_trainer_does_not_have_fail_before_it_trains(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE.replace('model = "logistic"', 'modle = "logistic"'))
    tens.stock(parts)
    run = tens.turn(parts)
    assert (run.status, run.step) == (Status.FAILED, "freeze")
    assert "model" in str(run.error)


def test_a_recipe_that_was_taken_away_fails_the_run(make_parts: Make) -> None:
    parts = make_parts()
    with parts.database.write() as connection:
        run = runs.open(connection, "tnes", "hand", "test", {})
    with Worker(parts) as worker:
        worker.work_off(run.id)
    assert "did you mean 'tens'" in str(tens.again(parts, run).error)


def test_a_queued_run_that_is_cancelled_never_begins(make_parts: Make) -> None:
    parts = make_parts()
    run = tens.ask(parts)
    with parts.database.write() as connection:
        runs.request_cancel(connection, run.id)
    with Worker(parts) as worker:
        worker.work_off(run.id)
    assert tens.again(parts, run).status is Status.CANCELLED
    assert not tens.events(parts, run)


def test_a_cancel_stops_the_training_soon(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts)
    run = tens.ask(parts)
    with Worker(parts) as worker:
        working = begin(worker, run)
        while tens.again(parts, run).step != "train":
            time.sleep(0.02)
        with parts.database.write() as connection:
            runs.request_cancel(connection, run.id)
        asked = time.monotonic()
        working.join()
    assert time.monotonic() - asked < 5
    ended = tens.again(parts, run)
    assert (ended.status, ended.step) == (Status.CANCELLED, "train")


def test_a_champion_promoted_meanwhile_is_not_overrun(make_parts: Make) -> None:
    parts = make_parts(trained=True)
    first = champion(parts)
    with parts.database.write() as connection:
        versions.register(connection, "tens", first.package, first.card, Verdict.ACCEPTED, "a copy")
    run = tens.ask(parts)
    with Worker(parts) as worker:
        working = begin(worker, run)
        while not [one for one in tens.events(parts, run) if (one.step, one.kind) == ("check", "ended")]:
            time.sleep(0.005)
        with parts.database.write() as connection:
            deployments.promote(connection, "tens", 2, "ann", "while nobody looks", licences=frozenset())
        working.join()
    ended = tens.again(parts, run)
    assert ended.status is Status.FAILED
    assert "changed while version 3 was checked" in str(ended.error)
    with parts.database.read() as connection:
        assert versions.get(connection, "tens", 3).verdict is Verdict.ACCEPTED
    assert champion(parts).number == 2


def test_a_champion_promoted_in_the_same_moment_is_not_overrun_on_postgresql(
    make_parts: Make, make_database: Callable[[], str]
) -> None:
    parts = make_parts(database_url=make_database())
    run, sealed = tens.ask(parts), made.digits()
    with parts.database.write() as connection:
        for number in (1, 2, 3):
            versions.register(connection, "tens", f"package {number}", sealed.card, Verdict.ACCEPTED, "a copy")
        deployments.promote(connection, "tens", 1, "ann", "the first", licences=frozenset())
    job = Job(run, parts.recipe("tens"), parts.settings, parts.database, parts.blobs, lambda: False)
    found = {"decision": {"accepted": True, "reasons": []}, "champion": 1, "version": 2}
    with ThreadPoolExecutor(1) as others:
        with parts.database.write() as connection:
            deployments.promote(connection, "tens", 3, "ann", "in the same moment", licences=frozenset())
            rolled_out = others.submit(roll_out, job, found)
            assert not wait([rolled_out], 0.5).done
        with pytest.raises(Conflict, match="changed while version 2 was checked"):
            rolled_out.result()
    assert champion(parts).number == 3


def test_a_run_goes_on_where_mlflow_cannot_be_reached(make_parts: Make) -> None:
    parts = make_parts(mlflow_url="sqlite:////proc/nowhere/mlflow.db")
    tens.stock(parts)
    run = tens.turn(parts)
    assert run.status is Status.SUCCEEDED
    assert [event for event in tens.events(parts, run) if event.message.startswith("MLflow was not told")]


def test_a_run_that_was_lost_to_another_worker_is_gone_on_with_when_that_one_dies(make_parts: Make) -> None:
    parts = make_parts()
    run = tens.ask(parts)
    work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, lambda: False, "here")
    with Cycle(parts.settings, work, "here", lambda: False) as cycle:
        with parts.database.write() as connection:
            assert leases.RUNS.take(connection, run.id, "there")
        cycle.work(run.id)
        assert tens.again(parts, run).worker == "there"
        with parts.database.write() as connection:
            leases.RUNS.release(connection, run.id, "there")
        cycle.work(run.id)
    assert (tens.again(parts, run).status, tens.again(parts, run).step) == (Status.FAILED, "freeze")


def test_a_workflow_whose_end_cannot_be_recorded_is_given_up(make_parts: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "LOST_SECONDS", 0.5)
    parts = make_parts()
    run = tens.ask(parts)
    work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, lambda: False, "here")
    with Cycle(parts.settings, work, "here", lambda: False) as cycle:
        with sqlite3.connect(parts.settings.home / "dbos.db") as records:  # which refuse it, as a full disk would
            records.execute(
                "CREATE TRIGGER full BEFORE UPDATE OF status ON workflow_status WHEN NEW.status <> 'CANCELLED' "
                "BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        records.close()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(cycle.work, run.id).result(30)
    assert (tens.again(parts, run).status, tens.again(parts, run).step) == (Status.FAILED, "freeze")


def test_a_workflow_that_was_taken_and_never_begun_is_given_up_and_the_run_goes_on(
    make_parts: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbos import DBOS, DBOSClient

    monkeypatch.setattr(cycles, "LOST_SECONDS", 0.5)
    parts = make_parts()
    run = tens.ask(parts)
    work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, lambda: False, "here")
    with Cycle(parts.settings, work, "here", lambda: False) as cycle:
        client = DBOSClient(system_database_url=f"sqlite:///{parts.settings.home}/dbos.db")
        taken = f"{run.id}/here/2.1"
        order = {"workflow_name": "cycle", "queue_name": "elsewhere", "workflow_id": taken, "app_version": "nobody's"}
        client.enqueue(order, run.id)  # type: ignore[arg-type]  # its own kind of dictionary
        cycle.work(run.id)
        assert DBOS.get_workflow_status(taken).status == "CANCELLED"  # type: ignore[union-attr]  # it is there
        assert tens.again(parts, run).status is Status.QUEUED
        cycle.work(run.id)
        client.destroy()
    assert (tens.again(parts, run).status, tens.again(parts, run).step) == (Status.FAILED, "freeze")
