"""The predict routes: every form of input, one and many, in both shapes of answer."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests import packages
from tests.deploying import Home
from tests.inprocess import Client

from sightloop.values.image import Image

PNG, LABEL = packages.drawn()[0]
FORM = {"file": ("digit.png", PNG, "image/png")}
HAND = packages.hand()


def only(answer: httpx.Response) -> dict[str, Any]:
    """The one prediction of an answer."""
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["predictions"]
    assert isinstance(found, dict)
    return found


def test_a_file_in_a_form(client: Client) -> None:
    answer = client.post("/v1/digits/predict", files=FORM)
    found = only(answer)
    assert found["label"] == LABEL
    assert found["index"] == int(LABEL)
    assert found["project"] == "digits"
    assert found["version"] == 1
    assert found["command"] is None
    assert found["confidence"] == max(found["probabilities"])
    assert sum(found["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert found["id"].count("-") == 4
    assert found["at"].endswith("+00:00")
    assert answer.headers["x-request-id"]


def test_a_raw_body(client: Client) -> None:
    assert only(client.post("/v1/digits/predict", content=PNG, headers={"content-type": "image/png"}))["label"] == LABEL


@pytest.mark.parametrize("before", ["", "data:image/png;base64,"])
def test_an_image_in_json(client: Client, before: str) -> None:
    image = before + base64.b64encode(PNG).decode()
    assert only(client.post("/v1/digits/predict", json={"image": image}))["label"] == LABEL


def test_many_files_are_answered_in_their_order(client: Client) -> None:
    items = packages.drawn()[:40]
    files = [("files", (f"{number}.png", content, "image/png")) for number, (content, _) in enumerate(items)]
    answer = client.post("/v1/digits/predict", files=files)
    found = [one["label"] for one in answer.json()["predictions"]]
    singly = [only(client.post("/v1/digits/predict", files={"file": content}))["label"] for content, _ in items[:5]]
    assert found[:5] == singly
    assert sum(a == label for a, (_, label) in zip(found, items, strict=True)) > 30


def test_many_items_in_json(client: Client) -> None:
    items = [{"landmarks": packages.hand(seed).tolist()} for seed in range(3)]
    answer = client.post("/v1/gestures/predict", json={"items": items})
    assert len(answer.json()["predictions"]) == 3


@pytest.mark.parametrize(
    "numbers", [HAND.ravel().tolist(), HAND.tolist(), HAND[:, :2].tolist()], ids=["63", "21 x 3", "21 x 2"]
)
def test_landmarks_in_each_form(client: Client, numbers: Any) -> None:
    found = only(client.post("/v1/gestures/predict", json={"landmarks": numbers}))
    assert found["label"] in packages.GESTURES.classes
    assert found["command"] == packages.GESTURES.answers.commands.get(found["label"])


def test_fractions_of_the_image_are_brought_to_one_unit(client: Client) -> None:
    fractions = HAND / [640, 480, 640]
    scaled = only(
        client.post("/v1/gestures/predict", json={"landmarks": fractions.tolist(), "width": 640, "height": 480})
    )
    direct = only(client.post("/v1/gestures/predict", json={"landmarks": (HAND / 480).tolist()}))
    assert np.allclose(scaled["probabilities"], direct["probabilities"], atol=1e-5)


def test_the_plain_route_answers_in_its_shape(client: Client) -> None:
    answer = client.post("/predict", files=FORM)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["status"], found["prediction"], found["label"]) == ("ok", int(LABEL), LABEL)
    assert found["probs"] == [found["probabilities"]]
    assert found["confidence"] == max(found["probabilities"])
    assert found["id"]


def test_the_plain_route_takes_landmarks_where_its_project_does(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client]
) -> None:
    client = open_client(make_home(packages.gestures(), default_project="gestures"))
    answer = client.post("/predict", json={"landmarks": HAND.tolist()})
    assert answer.json()["label"] in packages.GESTURES.classes


def test_a_large_photo_is_answered(client: Client) -> None:
    photo = Image(np.random.default_rng(1).integers(0, 255, (1200, 1600, 3), np.uint8)).encode()
    assert only(client.post("/v1/digits/predict", files={"file": photo}))["label"] in packages.DIGITS.classes


def test_a_project_without_a_model_is_not_ready(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client]
) -> None:
    answer = open_client(make_home()).post("/v1/digits/predict", files=FORM)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "sightloop train digits" in answer.json()["hint"]


def test_the_landmarks_that_came_are_measured(client: Client) -> None:
    client.post("/v1/gestures/predict", json={"landmarks": HAND.tolist()})
    page = client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(values["input_landmark_mean"]) == pytest.approx(float(HAND.mean()), rel=1e-5)
    assert float(values["input_landmark_std"]) == pytest.approx(float(HAND.std()), rel=1e-5)
    assert float(values['predictions_total{project="gestures"}']) == 1
    assert float(values['prediction_latency_seconds_count{project="gestures"}']) == 1


def test_a_picture_of_a_hand_is_answered_by_its_landmarks(
    client: Client, home: Home, shared_data: Path, hand_networks: Path
) -> None:
    shutil.copytree(hand_networks, home.settings.home / "hands")
    photo = next((shared_data / "gestures" / "photos" / "palm").glob("*.jpg")).read_bytes()
    made = client.post("/v1/gestures/predict", files={"file": photo}).json()["predictions"][0]
    assert made["label"] in packages.GESTURES.classes
    # What is kept are the landmarks, so that a correction makes a sample of the project.
    assert client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "palm"}).status_code == 201
    none = client.post("/v1/gestures/predict", files={"file": PNG})
    assert (none.status_code, none.json()["detail"]) == (422, "no hand was found in the picture")
