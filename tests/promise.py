"""rps' promise on real servers: samples in PostgreSQL, data by DVC to S3, runs in MLflow, three predictions retrain.

Kept through the built-in worker and through Airflow, for the journey with small drawn hands and for bench/servers.py
with photographs. Whatever is not as promised is a failed assertion; what was seen is returned.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import httpx
import msgspec
from mlflow import MlflowClient
from sqlalchemy import NullPool, create_engine, text
from tests import servers
from tests.house import House, until

DAGS = Path(__file__).parents[1] / "deploy" / "airflow" / "dags"
DAG = "rock_paper_scissors_retrain_pipeline"
TASKS = {"extract_images_from_postgres", "preprocess_images", "version_data_with_dvc", "retrain_rps_model"}

Seen = dict[str, Any]
Asked = Sequence[tuple[Path, str]]


@dataclass(frozen=True)
class Around:
    """The servers that all houses here use, a folder of labelled pictures, three others with their labels, rps' recipe.

    A run may take so many seconds.
    """

    postgres: servers.Postgres
    s3: servers.Server
    mlflow: servers.Server
    pictures: Path
    asked: Asked
    recipes: Path
    patience: float = 400

    def house(self, home: Path, name: str, **settings: object) -> House:
        """A house on the servers, with a database and buckets of its own, in which rps was trained once."""
        given = {
            "database_url": self.postgres.database(name),
            "blobs_url": servers.bucket(self.s3, f"{name}-blobs"),
            "dvc_remote": servers.bucket(self.s3, f"{name}-data") + "/dvc",
            "mlflow_url": self.mlflow.url,
            "recipes": self.recipes,
            "default_project": "rps",
        }
        home.parent.mkdir(parents=True, exist_ok=True)
        first = House(home, **(given | settings))
        first.command("data", "import", "rps", str(self.pictures))
        first.command("train", "rps")
        return House(home, **(given | settings))  # with a port that nobody took meanwhile


@contextmanager
def around(
    folder: Path, mlflow: Path, pictures: Path, asked: Asked, recipes: Path, patience: float = 400
) -> Iterator[Around]:
    """PostgreSQL, S3, and MLflow out of its virtual environment, each a process, ended afterwards."""
    before, started = dict(os.environ), list[Any]()
    try:
        started.append(postgres := servers.Postgres())
        started.append(s3 := servers.s3(folder / "s3"))
        started.append(tracking := servers.mlflow(folder / "mlflow", mlflow))
        yield Around(postgres, s3, tracking, pictures, asked, recipes, patience)
    finally:
        for server in started:
            server.stop()
        os.environ.clear()
        os.environ.update(before)


def through_the_worker(around: Around, folder: Path, **settings: object) -> Seen:
    """The promise as the built-in worker keeps it."""
    house = around.house(folder / "home", "worker", **settings)
    try:
        house.start("serve")
        house.start("worker")
        house.ready()
        seen = _retrained(around, house)
        assert seen["scheduler"] == ""
    finally:
        house.stop()
    assert not [path for path in house.home.iterdir() if path.suffix == ".db"], "all rows are in PostgreSQL"
    assert "whole" in house.command("doctor").stdout
    return seen


def through_airflow(around: Around, folder: Path, airflow: Path, **settings: object) -> Seen:
    """The promise as Airflow, out of its virtual environment, keeps it step by step."""
    house = around.house(folder / "home", "airflow", **settings)
    given = {name: value for name, value in house.environment.items() if name.startswith(("SIGHTLOOP_", "AWS_"))}
    command = {"SIGHTLOOP_COMMAND": str(Path(sys.executable).parent / "sightloop")}
    # As on another machine: what the steps share is in the servers alone.
    other = {"SIGHTLOOP_HOME": str(folder / "other" / "home")}
    server = servers.airflow(folder / "server", airflow, DAGS, given | command | other)
    house.environment["SIGHTLOOP_AIRFLOW_URL"] = server.url
    try:
        until(lambda: _told(server, f"/dags/{DAG}").is_success, 90, every=1)
        house.start("serve")
        house.start("worker")
        house.ready()
        seen = _retrained(around, house)
        assert seen["scheduler"] == "airflow"
        dag_run = f"/dags/{DAG}/dagRuns/{seen['run']}"
        until(lambda: _told(server, dag_run).json()["state"] == "success", 60)
        tasks = _told(server, f"{dag_run}/taskInstances").json()["task_instances"]
        states = {one["task_id"]: one["state"] for one in tasks}
        assert states.pop("close_run") == "skipped"
        assert set(states.values()) == {"success"}
        assert set(states) > TASKS
        version = _told(server, "/version").json()["version"]
    finally:
        server.stop()
        house.stop()
    seconds = {one["task_id"]: round(one["duration"] or 0.0, 1) for one in tasks}
    return seen | {"airflow": version, "dag_run": {"id": seen["run"], "state": "success", "task_seconds": seconds}}


def _retrained(around: Around, house: House) -> Seen:
    """Three predictions, two of them corrected, and the run that they start, when its model answers."""
    before = _champion(house)
    for number, (picture, label) in enumerate(around.asked):
        made = _predicted(house, picture)
        if number < len(around.asked) - 1:  # after the last the run begins, with what is there
            said = {"label": label, "author": "ann"}
            assert house.client.post(f"/v1/predictions/{made['id']}/feedback", json=said).status_code == 201
    third = time.monotonic()
    identity = until(lambda: [run for run in _runs(house) if run["trigger"] == "predictions"], 60)[0]["id"]
    started = time.monotonic() - third
    run = house.ended(identity, around.patience)
    assert run["status"] == "succeeded", house.command("runs", "log", identity).stdout
    until(lambda: _champion(house) == run["result"]["version"], 30)
    serving = time.monotonic() - third
    assert _predicted(house, around.asked[0][0])["version"] == run["result"]["version"] == before + 1
    assert run["result"]["dataset"] == 2, "the corrections made another dataset version"
    return {
        "run": identity,
        "scheduler": run["scheduler"],
        "trigger": run["trigger"],
        "seconds_until": {"the run was open": round(started, 1), "the new model served": round(serving, 1)},
        "step_seconds": _steps(house, identity),
        "champion": {"before": before, "after": run["result"]["version"]},
        "samples": run["result"]["counts"] | {"in PostgreSQL": _samples(house)},
        "scores": {name: round(run["result"]["scores"][name], 4) for name in ("accuracy", "f1", "ece")},
        "the gate said": run["result"]["decision"]["reasons"],
        "dataset": run["result"]["dataset"],
        "dvc": _in_bucket(house, run),
        "mlflow": _in_mlflow(around, run),
    }


def _predicted(house: House, picture: Path) -> Seen:
    """The answer to a picture."""
    answer = house.client.post("/v1/rps/predict", files={"file": (picture.name, picture.read_bytes())})
    found: Seen = answer.raise_for_status().json()["predictions"][0]
    return found


def _runs(house: House) -> list[Seen]:
    """All runs, newest first."""
    found: list[Seen] = house.client.get("/v1/runs?project=rps").raise_for_status().json()["runs"]
    return found


def _champion(house: House) -> int:
    """The version that answers."""
    told = house.client.get("/metrics").text
    return int(float(re.findall(r'sightloop_model_version\{project="rps"\} (\S+)', told)[0]))


def _steps(house: House, run: str) -> dict[str, float]:
    """Seconds from the beginning of each step to its end."""
    told = house.client.get(f"/v1/runs/{run}/events").text
    events = [msgspec.json.decode(line[6:]) for line in told.splitlines() if line.startswith("data: ")]
    moments = {(one["step"], one["kind"]): datetime.fromisoformat(one["at"]) for one in events if "kind" in one}
    begun = [step for step, kind in moments if kind == "begun"]
    return {step: round((moments[step, "ended"] - moments[step, "begun"]).total_seconds(), 1) for step in begun}


def _samples(house: House) -> int:
    """How many samples the database has."""
    engine = create_engine(house.environment["SIGHTLOOP_DATABASE_URL"], poolclass=NullPool)
    assert engine.dialect.name == "postgresql"
    with engine.connect() as connection:
        return int(connection.execute(text("select count(*) from samples")).scalar_one())


def _in_bucket(house: House, run: Seen) -> Seen:
    """The dataset version's archive where DVC has pushed it."""
    remote, digest = house.environment["SIGHTLOOP_DVC_REMOTE"], run["result"]["archive"]
    bucket = fsspec.filesystem("s3", skip_instance_cache=True)
    path = f"{remote}/files/md5/{digest[:2]}/{digest[2:]}"
    assert bucket.exists(path)
    return {"remote": remote, "file": path.removeprefix(f"{remote}/"), "bytes": bucket.size(path)}


def _in_mlflow(around: Around, run: Seen) -> Seen:
    """The run as MLflow's server has it: parameters, scores, curves, the model and its version, the champion."""
    client = MlflowClient(tracking_uri=around.mlflow.url, registry_uri=around.mlflow.url)
    (version,) = client.search_model_versions(f"name = 'rps' and tags.`sightloop.run` = '{run['id']}'")
    assert client.get_model_version_by_alias("rps", "champion").version == version.version
    assert version.tags["sightloop.version"] == str(run["result"]["version"]) == "2"
    recorded = client.get_run(str(version.run_id))
    assert recorded.data.metrics["accuracy"] == run["result"]["scores"]["accuracy"]
    assert {"accuracy", "precision", "recall", "epoch.loss", "epoch.val_loss"} <= set(recorded.data.metrics)
    kept = sorted(item.path for item in client.list_artifacts(str(version.run_id)))
    assert "package/model.onnx" in {item.path for item in client.list_artifacts(str(version.run_id), "package")}
    return {
        "server": httpx.get(f"{around.mlflow.url}/version").raise_for_status().text,
        "run": recorded.info.run_id,
        "model version": int(version.version),
        "alias": "champion",
        "parameters": len(recorded.data.params),
        "metrics": len(recorded.data.metrics),
        "artifacts": kept,
    }


def _told(server: servers.Server, path: str) -> httpx.Response:
    """What Airflow's REST API says."""
    token = httpx.get(f"{server.url}/auth/token").raise_for_status().json()["access_token"]
    return httpx.get(f"{server.url}/api/v2{path}", headers={"Authorization": f"Bearer {token}"})
