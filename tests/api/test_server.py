"""A real server in processes of its own: light, ready, and losing nothing when it is asked to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest
from tests import packages
from tests.deploying import Home
from tests.house import free_port, until

from sightloop.api.server import KILL_SECONDS
from sightloop.store import predictions, runs

PNG, LABEL = packages.drawn()[0]
HEAVY = {"torch", "keras", "sklearn", "skl2onnx", "onnx", "mlflow", "dbos", "matplotlib", "scipy"}

# The application as it is served, with one path more, which tells what is imported in its process.
CODE = """
import json, sys
from sightloop.api import server
from sightloop.settings import Settings

served = server.load

def load(settings):
    app = served(settings)
    async def telling(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/modules":
            return await app(scope, receive, send)
        body = json.dumps(sorted(sys.modules)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
    return telling

server.load = load
server.run(Settings())
"""


class Server:
    """A serving process and its children."""

    def __init__(self, home: Home, log: Path, **settings: object) -> None:
        self.port = free_port()
        self.log = log
        given = {"home": home.settings.home, "recipes": home.settings.recipes, "port": self.port, "poll_seconds": 0.05}
        environment = {f"SIGHTLOOP_{name.upper()}": str(value) for name, value in (given | settings).items()}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CODE], env=os.environ | environment, stdout=file, stderr=file
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        until(self._ready, 60, 0.02)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Ask it to end, as an operator's tools do; its exit status."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def answers(seen: list[tuple[int, int]], version: int) -> bool:
    """Whether the last answer was of this version."""
    return bool(seen) and seen[-1][1] == version


@pytest.fixture
def start(home: Home, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server over `home`; it is stopped at the end."""
    servers: list[Server] = []

    def start_it(**settings: object) -> Server:
        servers.append(Server(home, tmp_path / "server.log", **settings))
        return servers[-1]

    yield start_it
    for server in servers:
        if server.process.poll() is None:
            server.stop()


def test_a_serving_process_is_light(start: Callable[..., Server]) -> None:
    server = start()
    assert server.client.post("/predict", files={"file": PNG}).json()["label"] == LABEL
    assert server.client.get("/docs").status_code == 200
    assert server.client.get("/openapi.json").status_code == 200
    modules = set(server.client.get("/modules").json())
    assert "sightloop.api.app" in modules
    assert modules & HEAVY == set()
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    assert max(process.memory_info().rss for process in processes) < 250_000_000


def test_what_was_answered_is_recorded_when_it_stops(start: Callable[..., Server], home: Home) -> None:
    server = start()
    made = {server.client.post("/predict", files={"file": PNG}).json()["id"] for _ in range(50)}
    assert server.stop() == 0, server.log.read_text()
    with home.database.read() as connection:
        assert {one.id for one in predictions.page(connection, "digits")} == made


def test_requests_are_logged_as_json_with_timestamps(start: Callable[..., Server]) -> None:
    server = start()
    answer = server.client.post("/predict", files={"file": b"no image"})
    server.stop()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    (found,) = [line for line in lines if line.get("path") == "/predict"]
    assert found["id"] == answer.headers["x-request-id"]
    assert (found["status"], found["method"], found["level"]) == (422, "POST", "info")
    assert found["timestamp"].startswith("20")
    assert found["ms"] > 0


def test_a_follower_of_a_run_does_not_keep_it_from_stopping(start: Callable[..., Server], home: Home) -> None:
    server = start()
    with home.database.write() as connection:
        run = runs.open(connection, "digits", "hand", "test")
        runs.log(connection, run.id, "progress", "train")
    begun, ended = threading.Event(), threading.Event()

    def follow() -> None:
        try:
            with httpx.stream("GET", f"http://127.0.0.1:{server.port}/v1/runs/{run.id}/events", timeout=60) as answer:
                for _ in answer.iter_lines():
                    begun.set()
        except httpx.TransportError:
            pass
        ended.set()

    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(10)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < KILL_SECONDS / 2
    assert ended.wait(10)
    thread.join()


def test_no_request_is_lost_in_a_swap(start: Callable[..., Server], home: Home) -> None:
    server = start()
    stop = threading.Event()
    seen: list[tuple[int, int]] = []

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
            while not stop.is_set():
                answer = client.post("/predict", files={"file": PNG})
                seen.append((answer.status_code, answer.json().get("version", 0)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(partial(answers, seen, 1), 20, 0.02)
    for sharpness in (45.0, 50.0):
        expected = home.deploy(packages.digits(sharpness)).number
        until(partial(answers, seen, expected), 20, 0.02)
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in seen} == {200}
    assert {version for _, version in seen} == {1, 2, 3}


def test_several_processes_add_up_their_metrics(start: Callable[..., Server]) -> None:
    server = start(processes=2)
    for _ in range(20):
        # A new connection each time, so that both processes are asked.
        httpx.post(f"http://127.0.0.1:{server.port}/predict", files={"file": PNG}).raise_for_status()
    page = server.client.get("/metrics").text
    assert 'predictions_total{project="digits"} 20.0' in page
    assert 'sightloop_model_version{project="digits"} 1.0' in page
    assert server.stop() == 0


def test_requests_that_run_when_it_is_asked_to_stop_are_answered(start: Callable[..., Server]) -> None:
    server = start()
    refused, statuses, stopping = [], [], threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
            while True:
                try:
                    statuses.append(client.post("/predict", files={"file": PNG}).status_code)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:  # a connection that it closed while it was idle
                    refused.append((stopping.is_set(), error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) > 20, 20, 0.01)
    stopping.set()
    assert server.stop() == 0
    for thread in threads:
        thread.join(30)
    assert set(statuses) == {200}
    assert all(after for after, _ in refused)
