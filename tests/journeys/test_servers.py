"""rps' promise on real servers: samples in PostgreSQL, data by DVC to S3, runs in MLflow, three predictions retrain.

Through the built-in worker and through Airflow. MLflow's server and Airflow want environments of their own, which
`make test-servers` makes; without them these tests are skipped.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import fsspec  # type: ignore[import-untyped]
import httpx
import numpy as np
import pytest
from mlflow import MlflowClient
from tests import servers
from tests.house import House, until

DAGS = Path(__file__).parents[2] / "deploy" / "airflow" / "dags"
DAG = "rock_paper_scissors_retrain_pipeline"
CLASSES = ("rock", "paper", "scissors")
SIDE = 64

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


def venv(name: str) -> Path:
    """The environment that a server is started from, or a skip that says how to have it."""
    place = os.environ.get(f"SIGHTLOOP_TEST_{name.upper()}")
    if not place:
        pytest.skip(f"no environment for {name}: `make test-servers` makes one and names it in the environment")
    return Path(place)


def picture(label: str, number: int) -> bytes:
    """A hand as a child would draw it: a fist, or five fingers, or two, on green."""
    random = np.random.default_rng([CLASSES.index(label), number])
    pixels = np.full((SIDE, SIDE, 3), (40, 160, 40), np.uint8) + random.integers(0, 20, (SIDE, SIDE, 3), np.uint8)
    middle = random.integers(26, 38, 2)
    cv2.circle(pixels, middle.tolist(), 10, (150, 180, 230), -1)
    for turn in np.linspace(-1, 1, {"rock": 0, "paper": 5, "scissors": 2}[label]):
        angle = turn * (0.9 if label == "paper" else 0.4) - np.pi / 2 + random.normal(0, 0.1)
        tip = middle + 26 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(pixels, middle.tolist(), tip.astype(int).tolist(), (150, 180, 230), 5)
    return bytes(cv2.imencode(".png", pixels)[1])


def small(folder: Path) -> Path:
    """A folder with rps' own recipe, but for a small network that starts from nothing and learns in seconds."""
    text = resources.files("sightloop.recipes").joinpath("rps.toml").read_text(encoding="utf-8")
    for key, value in {"height": "64", "width": "64", "epochs": "6", "backbone": '"test_efficientnet"'}.items():
        text = re.sub(rf"(?m)^{key} = [^#\n]*", f"{key} = {value}", text)
    text = re.sub(r'(?m)^weights = "hub".*$', 'weights = "none"', text)
    text = re.sub(r"(?m)^background = .*$", "", text)
    text = re.sub(r"(?m)^floors = .*$", "floors = { accuracy = 0.3 }", text)
    folder.mkdir(parents=True)
    (folder / "rps.toml").write_text(text, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Around:
    """The servers that all houses here use, and the folder with the pictures."""

    postgres: servers.Postgres
    s3: servers.Server
    mlflow: servers.Server
    pictures: Path
    recipes: Path


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """PostgreSQL, S3 and MLflow, each a process."""
    place = venv("mlflow")
    folder = tmp_path_factory.mktemp("servers")
    before = dict(os.environ)
    pictures = folder / "pictures"
    for label in CLASSES:
        (pictures / label).mkdir(parents=True)
        for number in range(60):
            (pictures / label / f"{number}.png").write_bytes(picture(label, number))
    started = Around(
        servers.Postgres(),
        servers.s3(folder / "s3"),
        servers.mlflow(folder / "mlflow", place),
        pictures,
        small(folder / "recipes"),
    )
    yield started
    for server in (started.postgres, started.s3, started.mlflow):
        server.stop()
    os.environ.clear()
    os.environ.update(before)


def built(around: Around, home: Path, name: str, **settings: object) -> House:
    """A house on the servers, with a database and buckets of its own, in which rps was trained once."""
    given = {
        "database_url": around.postgres.database(name),
        "blobs_url": servers.bucket(around.s3, f"{name}-blobs"),
        "dvc_remote": servers.bucket(around.s3, f"{name}-data") + "/dvc",
        "mlflow_url": around.mlflow.url,
        "recipes": around.recipes,
        "default_project": "rps",
    }
    home.parent.mkdir(parents=True, exist_ok=True)
    first = House(home, **(given | settings))
    first.command("data", "import", "rps", str(around.pictures))
    first.command("train", "rps")
    return House(home, **(given | settings))  # with a port that nobody took meanwhile


def retrained(house: House) -> dict[str, Any]:
    """Three predictions, and the run that they start, when it has ended and its model answers."""
    for number in range(3):
        sent = {"file": ("hand.png", picture("paper", 1000 + number), "image/png")}
        assert house.client.post("/v1/rps/predict", files=sent).status_code == 200
    first = until(lambda: [run for run in runs(house) if run["trigger"] == "predictions"], 60)[0]
    run = house.ended(first["id"], 400)
    assert run["status"] == "succeeded", house.command("runs", "log", run["id"]).stdout
    until(lambda: champion(house) == run["result"]["version"], 30)
    return run


def runs(house: House) -> list[dict[str, Any]]:
    """All runs, newest first."""
    found: list[dict[str, Any]] = house.client.get("/v1/runs?project=rps").raise_for_status().json()["runs"]
    return found


def champion(house: House) -> int:
    """The version that answers."""
    told = house.client.get("/metrics").text
    return int(float(re.findall(r'sightloop_model_version\{project="rps"\} (\S+)', told)[0]))


def assert_recorded(around: Around, house: House, run: dict[str, Any]) -> None:
    """The data are in the bucket, the run is in MLflow with its package, and the records are in PostgreSQL."""
    client = MlflowClient(tracking_uri=around.mlflow.url, registry_uri=around.mlflow.url)
    (recorded,) = client.search_model_versions(f"name = 'rps' and tags.`sightloop.run` = '{run['id']}'")
    assert client.get_model_version_by_alias("rps", "champion").version == recorded.version
    assert recorded.tags["sightloop.version"] == str(run["result"]["version"]) == "2"
    assert client.get_run(str(recorded.run_id)).data.metrics["accuracy"] == run["result"]["scores"]["accuracy"]
    kept = {item.path for item in client.list_artifacts(str(recorded.run_id), "package")}
    assert "package/model.onnx" in kept
    remote = house.environment["SIGHTLOOP_DVC_REMOTE"]
    digest = run["result"]["archive"]
    assert fsspec.filesystem("s3", skip_instance_cache=True).exists(f"{remote}/files/md5/{digest[:2]}/{digest[2:]}")


def test_the_worker_keeps_the_promise_on_postgresql_s3_and_mlflow(around: Around, tmp_path: Path) -> None:
    house = built(around, tmp_path / "worker" / "home", "worker")
    try:
        house.start("serve")
        house.start("worker")
        house.ready()
        run = retrained(house)
        assert run["scheduler"] == ""
        assert_recorded(around, house, run)
    finally:
        house.stop()
    assert not [path for path in house.home.iterdir() if path.suffix == ".db"], "all rows are in PostgreSQL"
    assert "whole" in house.command("doctor").stdout


def test_airflow_keeps_the_promise_step_by_step(around: Around, tmp_path: Path) -> None:
    place = venv("airflow")
    house = built(around, tmp_path / "airflow" / "home", "airflow")
    settings = {name: value for name, value in house.environment.items() if name.startswith(("SIGHTLOOP_", "AWS_"))}
    command = {"SIGHTLOOP_COMMAND": str(Path(sys.executable).parent / "sightloop")}
    # As on another machine: what the steps share is in the servers alone.
    other = {"SIGHTLOOP_HOME": str(tmp_path / "other" / "home")}
    server = servers.airflow(tmp_path / "server", place, DAGS, settings | command | other)
    house.environment["SIGHTLOOP_AIRFLOW_URL"] = server.url
    try:
        until(lambda: asked(server, f"/dags/{DAG}").is_success, 90, every=1)
        house.start("serve")
        house.start("worker")
        house.ready()
        run = retrained(house)
        assert run["scheduler"] == "airflow"
        assert_recorded(around, house, run)
        dag_run = f"/dags/{DAG}/dagRuns/{run['id']}"
        until(lambda: asked(server, dag_run).json()["state"] == "success", 60)
        told = asked(server, f"{dag_run}/taskInstances").json()["task_instances"]
        states = {one["task_id"]: one["state"] for one in told}
        assert states.pop("close_run") == "skipped"
        assert set(states.values()) == {"success"}
        assert {"extract_images_from_postgres", "preprocess_images", "retrain_rps_model"} < set(states)
    finally:
        server.stop()
        house.stop()


def asked(server: servers.Server, path: str) -> httpx.Response:
    """What Airflow's REST API says."""
    token = httpx.get(f"{server.url}/auth/token").raise_for_status().json()["access_token"]
    return httpx.get(f"{server.url}/api/v2{path}", headers={"Authorization": f"Bearer {token}"})
