"""Runs are asked for, followed to their end, and cancelled; a worker of the test's own plays the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest
from tests import packages
from tests.deploying import Home
from tests.house import until
from tests.inprocess import Client

from sightloop.store import deployments, leases, runs, versions
from sightloop.store import packages as stored
from sightloop.values.run import Run, Status
from sightloop.values.scores import Scores
from sightloop.values.version import Verdict

SCORES = Scores(
    samples=10, accuracy=0.9, precision=0.9, recall=0.9, f1=0.9, ece=0.01, loss=0.1, per_class={}, confusion=()
)


@pytest.fixture
def ask() -> Iterator[Callable[..., Future[httpx.Response]]]:
    """Send a request that takes a while."""
    with ThreadPoolExecutor(4) as pool:
        yield pool.submit


def queued(home: Home) -> Run:
    def look() -> list[Run]:
        with home.database.read() as connection:
            return runs.queued(connection)

    run = until(look, 10, 0.02)[0]
    assert isinstance(run, Run)
    return run


def finish(home: Home, run: Run, verdict: Verdict) -> None:
    """Do what a worker does with a run: register a version, deploy it if it is accepted, end the run."""
    sealed = packages.digits(60)
    card = msgspec.structs.replace(sealed.card, scores=SCORES, epochs=4)
    digest = stored.save(home.blobs, msgspec.structs.replace(sealed, card=card))
    with home.database.write() as connection:
        leases.RUNS.take(connection, run.id, "worker")
        runs.log(connection, run.id, "begun", "train", "training")
        version = versions.register(connection, run.project, digest, card, verdict, "not as good", run.id)
        if verdict is Verdict.ACCEPTED:
            deployments.promote(
                connection, run.project, version.number, "worker", "better", run.id, licences=frozenset()
            )
        status = Status.SUCCEEDED if verdict is Verdict.ACCEPTED else Status.REFUSED
        runs.finish(connection, run.id, status, {"version": version.number})


def test_a_run_is_queued_and_can_be_followed(client: Client, home: Home) -> None:
    answer = client.post("/v1/digits/retrain")
    assert answer.status_code == 202
    run = answer.json()
    assert (run["status"], run["project"]) == ("queued", "digits")
    assert answer.headers["location"] == f"/v1/runs/{run['id']}"
    assert client.get(answer.headers["location"]).json()["id"] == run["id"]
    assert client.get("/v1/runs?project=digits").json() == {"runs": [run], "next": None}
    assert client.get("/v1/runs?project=gestures").json()["runs"] == []
    busy = client.post("/v1/digits/retrain")
    assert busy.status_code == 409
    assert run["id"] in busy.json()["got"]


def test_a_queued_run_is_cancelled(client: Client) -> None:
    run = client.post("/v1/digits/retrain", json={"author": "ann"}).json()
    assert run["actor"] == "ann"
    cancelled = client.post(f"/v1/runs/{run['id']}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert client.post(f"/v1/runs/{run['id']}/cancel").status_code == 409
    assert client.get("/v1/runs/none").status_code == 404


def test_waiting_answers_when_the_new_model_serves(client: Client, home: Home, ask: Callable[..., Any]) -> None:
    waiting = ask(client.post, "/v1/digits/retrain?wait=true")
    finish(home, queued(home), Verdict.ACCEPTED)
    answer = waiting.result(20)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    made = client.post("/v1/digits/predict", files={"file": packages.drawn()[0][0]}).json()
    assert made["predictions"][0]["version"] == 2


def test_the_plain_route_waits_and_answers_in_its_shape(client: Client, home: Home, ask: Callable[..., Any]) -> None:
    waiting = ask(client.post, "/retrain")
    finish(home, queued(home), Verdict.ACCEPTED)
    found = waiting.result(20).json()
    assert found["message"] == "Model retrained successfully"
    assert (found["accuracy"], found["epochs"], found["version"]) == (0.9, 4, 2)


def test_a_refused_model_is_told_with_its_reason(client: Client, home: Home, ask: Callable[..., Any]) -> None:
    waiting = ask(client.post, "/retrain")
    finish(home, queued(home), Verdict.REFUSED)
    answer = waiting.result(20)
    assert answer.status_code == 200
    assert answer.json()["message"] == "Model retrained, but not taken into use: not as good"
    assert client.get("/v1/digits/deployment").json()["members"][0]["version"] == 1


def test_a_failed_run_is_an_error(client: Client, home: Home, ask: Callable[..., Any]) -> None:
    waiting = ask(client.post, "/retrain")
    run = queued(home)
    with home.database.write() as connection:
        runs.finish(connection, run.id, Status.FAILED, error="no samples")
    answer = waiting.result(20)
    assert answer.status_code == 500
    assert "no samples" in answer.json()["detail"]


def test_waiting_ends_some_time(make_home: Callable[..., Home], open_client: Callable[[Home], Client]) -> None:
    client = open_client(make_home(packages.digits(), retrain_wait_seconds=0.2))
    answer = client.post("/v1/digits/retrain?wait=true")
    assert answer.status_code == 503
    assert "sightloop worker" in answer.json()["hint"]


def answers(seen: list[tuple[int, int]], version: int) -> bool:
    """Whether the last answer was of this version."""
    return bool(seen) and seen[-1][1] == version


def events(text: str) -> list[dict[str, str]]:
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]


def test_events_come_as_they_happen_and_end_with_the_run(client: Client, home: Home, ask: Callable[..., Any]) -> None:
    run = client.post("/v1/digits/retrain").json()
    following = ask(client.get, f"/v1/runs/{run['id']}/events")
    with home.database.write() as connection:
        for number in range(3):
            runs.log(connection, run["id"], "progress", "train", f"epoch {number}")
    finish(home, queued(home), Verdict.ACCEPTED)
    answer = following.result(20)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.text)
    assert [one.get("id") for one in found] == ["1", "2", "3", "4", None]
    assert found[-1]["event"] == "end"
    assert '"status":"succeeded"' in found[-1]["data"]
    rest = client.get(f"/v1/runs/{run['id']}/events", headers={"last-event-id": "3"})
    assert [one.get("id") for one in events(rest.text)] == ["4", None]


def test_events_of_no_run(client: Client) -> None:
    assert client.get("/v1/runs/none/events").status_code == 404


def test_no_request_is_lost_while_models_are_swapped(client: Client, home: Home) -> None:
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    async def one_client() -> None:
        transport = httpx.ASGITransport(client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            while not stop.is_set():
                answer = await http.post("/v1/digits/predict", files={"file": packages.drawn()[0][0]})
                version = answer.json()["predictions"][0]["version"] if answer.status_code == 200 else 0
                seen.append((answer.status_code, version))

    async def load() -> None:
        await asyncio.gather(*(one_client() for _ in range(8)))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.run, load())
        for sharpness in (45.0, 50.0, 55.0):
            expected = home.deploy(packages.digits(sharpness)).number
            until(partial(answers, seen, expected), 20, 0.01)
        stop.set()
        running.result(20)
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} >= {2, 3, 4}
    order = [version for _, version in seen]
    assert order.index(4) > order.index(3) > order.index(2)


def test_a_runs_report_comes_under_a_policy_that_lets_nothing_in(client: Client, home: Home) -> None:
    run = client.post("/v1/digits/retrain").json()
    early = client.get(f"/v1/runs/{run['id']}/report")
    assert early.status_code == 404
    assert early.json()["got"] == "queued"
    page = b"<!doctype html><title>digits</title>"
    with home.database.write() as connection:
        runs.update(connection, run["id"], result={"report": home.blobs.put(page)})
    answer = client.get(f"/v1/runs/{run['id']}/report")
    assert (answer.status_code, answer.content) == (200, page)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy)
    assert not [rule for rule in policy if rule.startswith(("script", "connect"))]
    assert answer.headers["x-content-type-options"] == "nosniff"
