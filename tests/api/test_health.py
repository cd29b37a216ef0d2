"""The server says how it is, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests import packages
from tests.deploying import Home
from tests.house import until
from tests.inprocess import Client

from sightloop.api.tallies import Tallies
from sightloop.store import leases, runs, videos
from sightloop.store.database import Database
from sightloop.telemetry import Telemetry
from sightloop.values.image import Image
from sightloop.values.video import Handling, Stage


def test_healthy_and_ready(client: Client) -> None:
    found = client.get("/health").json()
    assert (found["status"], found["model_loaded"], found["reasons"]) == ("healthy", True, [])
    assert found["uptime_seconds"] > 0
    assert found["projects"]["digits"] == {"version": 1, "revision": 1}
    assert client.get("/ready").json() == {"ready": ["digits", "gestures"]}


def test_without_a_model(make_home: Callable[..., Home], open_client: Callable[[Home], Client]) -> None:
    client = open_client(make_home())
    found = client.get("/health")
    assert found.status_code == 200
    assert (found.json()["status"], found.json()["model_loaded"]) == ("degraded", False)
    assert client.get("/ready").status_code == 503


def test_a_broken_deployment_degrades_and_the_old_model_answers(client: Client, home: Home) -> None:
    pictures = np.stack([Image.decode(content).pixels for content, _ in packages.drawn()[:3]])
    home.deploy(packages.seal(packages.DIGITS, packages.digits().graph, pictures, off=0.5))
    until(lambda: client.get("/health").json()["status"] == "degraded", 10, 0.02)
    found = client.get("/health").json()
    assert "golden answers" in found["reasons"][0]
    assert found["projects"]["digits"]["version"] == 1
    assert "golden answers" in found["projects"]["digits"]["fault"]
    assert client.get("/ready").status_code == 200
    made = client.post("/predict", files={"file": packages.drawn()[0][0]})
    assert (made.status_code, made.json()["version"]) == (200, 1)


def test_a_model_that_no_longer_gives_its_golden_answers_is_not_ready(client: Client) -> None:
    model = client.app._service.live.choose("digits", 0)
    model.golden[1][:] += np.float32(0.01)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "golden" in answer.json()["detail"]


def test_runs_and_videos_are_counted_in_the_database(client: Client, home: Home) -> None:
    with home.database.write() as connection:
        runs.open(connection, "digits", "hand", "ann")
        video = videos.open(connection, "digits", "clip.mp4", 10, Handling())
        videos.receive(connection, video.id, 10)
        assert leases.VIDEOS.take(connection, video.id, "worker")
        videos.change(connection, video.id, done=40)
    page = client.get("/metrics").text
    assert 'sightloop_runs{project="digits",status="queued"} 1.0' in page
    assert 'sightloop_videos{project="digits",stage="running"} 1.0' in page
    assert 'sightloop_video_frames{project="digits",stage="running"} 40.0' in page
    with home.database.write() as connection:
        videos.finish(connection, video.id, Stage.SUCCEEDED, {"frames": 50, "seconds": 2.5})
    assert 'sightloop_video_frame_seconds{project="digits"} 0.05' in client.get("/metrics").text


def test_a_database_that_is_away_costs_no_other_metric(postgres_url: str) -> None:
    url = postgres_url.replace("?host=", "?connect_timeout=1&host=/nowhere")
    page = Telemetry().exposition(Tallies(Database(url))).decode()
    assert "process_cpu_seconds_total" in page
    assert "sightloop_runs" not in page


def test_metrics_are_all_documented_and_in_the_text_format(client: Client) -> None:
    client.post("/predict", files={"file": packages.drawn()[0][0]})
    client.get("/v1/projects")
    client.get("/nowhere")
    client.ask("BREW", "/coffee")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'sightloop_request_seconds_count{method="POST",route="/predict",status="200"} 1.0' in answer.text
    assert 'route="/v1/projects",status="200"' in answer.text
    assert 'method="other",route="other",status="404"' in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert "process_cpu_seconds_total" in answer.text
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    for metric in Telemetry().registry.collect():
        name = metric.name + ("_total" if metric.type == "counter" else "")
        assert f"`{name}`" in documented or name.startswith(("process_", "python_")), name
