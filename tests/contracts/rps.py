"""Every promise that the rock-paper-scissors system made and that the server keeps.

Its deployment, its console, its live webcam and its Airflow DAG are kept elsewhere.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from mlflow import MlflowClient
from tests import drawn
from tests.contracts.conftest import SHIPPED
from tests.house import House, until

CLASSES = ("rock", "paper", "scissors")


def predicted(house: House, seed: int) -> dict[str, Any]:
    """The server's answer to one hand."""
    answer = house.client.post("/predict", files={"file": ("hand.jpg", drawn.hand("rock", seed), "image/jpeg")})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def value(house: House, name: str) -> float:
    """The sum of a metric over its labels."""
    page = house.client.get("/metrics").text
    return sum(float(number) for number in re.findall(rf"(?m)^{name}(?:{{.*}})? (\S+)$", page))


def test_three_classes_and_transfer_learning_on_a_mobilenet() -> None:
    recipe = SHIPPED["rps"]
    assert recipe.classes == CLASSES
    assert (recipe.train.trainer, recipe.train.options["backbone"]) == ("timm", "mobilenetv2_100")
    assert recipe.train.options["weights"] == "hub"


def test_a_picture_gets_one_of_three_classes(rps: House) -> None:
    found = predicted(rps, 100)
    assert found["status"] == "ok"
    assert found["label"] == CLASSES[found["prediction"]]
    assert len(found["probabilities"]) == 3
    assert found["confidence"] == max(found["probabilities"])


def test_labelled_pictures_are_uploaded_and_kept_with_what_is_known_of_them(rps: House) -> None:
    files = [("files", (f"{label}.jpg", drawn.hand(label, 200), "image/jpeg")) for label in CLASSES]
    answer = rps.client.post("/upload", files=files, data={"labels": list(CLASSES)})
    assert (answer.status_code, answer.json()["count"]) == (200, 3)
    again = rps.client.post("/v1/rps/samples", files=files, data={"labels": list(CLASSES)}).json()
    assert (again["added"], again["known"]) == (0, 3)


@pytest.mark.journey
def test_the_third_prediction_starts_the_retraining_and_mlflow_has_it(rps: House) -> None:
    assert SHIPPED["rps"].triggers.predictions == 3
    for seed in range(300, 303):
        predicted(rps, seed)
    run = until(lambda: _run(rps, "predictions"), 60)
    ended = rps.ended(run["id"])
    assert ended["status"] in {"succeeded", "refused"}, ended["error"]

    client = MlflowClient(tracking_uri=f"sqlite:///{rps.home}/mlflow.db")
    experiment = client.get_experiment_by_name("rps")
    assert experiment is not None
    (recorded,) = client.search_runs([experiment.experiment_id], f"tags.`sightloop.run` = '{run['id']}'")
    assert {"accuracy", "precision", "recall", "epoch.loss", "epoch.val_loss"} <= set(recorded.data.metrics)
    assert recorded.data.params["seed"] == str(SHIPPED["rps"].train.seed)
    assert recorded.data.tags["dataset"]
    kept = {file.path for file in client.list_artifacts(recorded.info.run_id)}
    assert {"curves.csv", "figures", "package", "requirements.txt"} <= kept
    versions = client.search_model_versions("name='rps'")
    assert {one.tags["sightloop.version"] for one in versions} >= {"1", str(ended["result"]["version"])}


def _run(house: House, trigger: str) -> dict[str, Any] | None:
    found = house.client.get("/v1/runs", params={"project": "rps"}).json()["runs"]
    return next((run for run in found if run["trigger"] == trigger), None)


def test_the_promised_metrics_are_there(rps: House) -> None:
    before = value(rps, "sightloop_request_seconds_count")
    predicted(rps, 400)
    assert value(rps, "sightloop_request_seconds_count") > before
    page = rps.client.get("/metrics").text
    assert 'sightloop_request_seconds_count{method="POST",route="/predict",status="200"}' in page
    for name in ("prediction_latency_seconds_count", "sightloop_model_version", "process_cpu_seconds_total"):
        assert value(rps, name) > 0
    assert value(rps, "process_resident_memory_bytes") > 1e6
