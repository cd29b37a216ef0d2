"""Every promise that the digits system made and that the server keeps (its deployment is kept elsewhere)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.house import House, until

from sightloop.data import bundled

DRAWN = list(bundled.digits())


def test_predict_answers_class_confidence_and_probabilities(digits: House) -> None:
    right = 0
    for item in DRAWN[:50]:
        answer = digits.client.post("/predict", files={"file": ("digit.png", item.content, "image/png")})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["status"] == "ok"
        assert body["label"] == str(body["prediction"])
        assert len(body["probabilities"]) == 10
        assert sum(body["probabilities"]) == pytest.approx(1, abs=1e-3)
        assert body["confidence"] == pytest.approx(max(body["probabilities"]))
        assert body["probs"] == [body["probabilities"]]
        right += body["label"] == item.label
    assert right >= 47


def test_upload_then_retrain_then_the_new_model_answers(digits: House) -> None:
    files = [("files", (f"{number}.png", item.content, "image/png")) for number, item in enumerate(DRAWN[:10])]
    labels = [item.label for item in DRAWN[:10]]
    uploaded = digits.client.post("/upload", files=files, data={"labels": labels})
    assert (uploaded.status_code, uploaded.json()) == (
        200,
        {"message": "Uploaded 10 images successfully", "count": 10},
    )

    retrained = digits.client.post("/retrain", timeout=300)
    assert retrained.status_code == 200, retrained.text
    body = retrained.json()
    assert body["message"] == "Model retrained successfully"
    assert 0.95 < body["accuracy"] <= 1
    assert body["epochs"] >= 1

    picture = ("digit.png", DRAWN[0].content, "image/png")
    answer = digits.client.post("/v1/digits/predict", files={"file": picture})
    assert answer.json()["predictions"][0]["version"] == 2
    assert digits.client.post("/predict", files={"file": picture}).status_code == 200


def test_health_tells_status_uptime_and_whether_a_model_is_loaded(digits: House) -> None:
    body = digits.client.get("/health").json()
    assert body["status"] == "healthy"
    assert body["uptime_seconds"] >= 0
    assert body["model_loaded"] is True


def test_requests_are_logged_with_timestamps(digits: House) -> None:
    digits.client.post("/predict", files={"file": ("digit.png", DRAWN[0].content, "image/png")})

    def logged() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in digits.log("serve").splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("path") == "/predict"]

    requests = until(logged, seconds=10)  # the answer goes out before the line is written
    assert all(line["timestamp"].startswith("20") and line["status"] == 200 for line in requests)


def test_errors_are_reported_clearly(digits: House) -> None:
    answer = digits.client.post("/predict", files={"file": ("digit.png", b"no image", "image/png")})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["title"] == "Not a usable image"
    assert "JPEG" in problem["expected"]


def test_the_port_comes_from_the_environment_as_hosting_platforms_set_it(open_house: Callable[..., House]) -> None:
    house = open_house()
    port = house.environment.pop("SIGHTLOOP_PORT")
    house.environment["PORT"] = port
    house.start("serve")
    house.ready()
