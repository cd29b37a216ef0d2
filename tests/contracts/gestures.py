"""Every promise that the gestures system made and that the server keeps (its deployment is kept elsewhere)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.contracts.conftest import hand
from tests.house import House

from sightloop.data import recipes

ORDER = [
    "call",
    "dislike",
    "fist",
    "four",
    "like",
    "mute",
    "ok",
    "one",
    "palm",
    "peace",
    "peace_inverted",
    "rock",
    "stop",
    "stop_inverted",
    "three",
    "three2",
    "two_up",
    "two_up_inverted",
]
COMMANDS = {"like": "up", "dislike": "down", "palm": "left", "ok": "right"}


def answered(house: House, numbers: Any) -> dict[str, Any]:
    """The server's answer to one hand."""
    answer = house.client.post("/v1/gestures/predict", json={"landmarks": numbers})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["predictions"][0]
    return found


def test_the_classes_stand_in_their_order() -> None:
    assert list(recipes.load(None)["gestures"].classes) == ORDER


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [("peace inv.", "peace_inverted"), ("stop inv.", "stop_inverted"), ("three 2", "three2"), ("two up", "two_up")],
)
def test_the_old_spellings_are_understood(spelled: str, meant: str) -> None:
    assert recipes.load(None)["gestures"].label(spelled) == meant


@pytest.mark.parametrize("gesture", ORDER)
def test_63_numbers_get_a_class_and_a_command(gestures: House, gesture: str) -> None:
    found = answered(gestures, hand(gesture, 1000).ravel().tolist())
    assert found["label"] == gesture
    assert found["index"] == ORDER.index(gesture)
    assert found["command"] == COMMANDS.get(gesture)
    assert len(found["probabilities"]) == 18


def test_place_and_size_of_the_hand_change_nothing(gestures: House) -> None:
    points = hand("peace", 1000)
    moved = (points - points[0]) * 0.004 + np.array([0.3, 0.6, 0], np.float32)
    expected, got = answered(gestures, points.tolist()), answered(gestures, moved.tolist())
    assert np.allclose(expected["probabilities"], got["probabilities"], atol=2e-3)


def test_the_plain_route_answers_too(gestures: House) -> None:
    answer = gestures.client.post("/predict", json={"landmarks": hand("like", 1000).ravel().tolist()})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["label"], answer.json()["prediction"]) == ("like", 4)


def test_the_promised_metrics_are_there(gestures: House) -> None:
    answered(gestures, hand("ok", 1000).ravel().tolist())
    page = gestures.client.get("/metrics").text
    for name in ("prediction_latency_seconds_bucket", "input_landmark_mean", "input_landmark_std"):
        assert f"\n{name}" in page


@pytest.mark.parametrize(
    "numbers",
    [[0.5] * 63, [0.1] * 62, [], "hand", None, [None] * 63, [[1, 2]] * 20],
    ids=["one place", "62", "none", "text", "null", "nulls", "20 points"],
)
def test_what_is_no_hand_is_refused(gestures: House, numbers: Any) -> None:
    answer = gestures.client.post("/v1/gestures/predict", json={"landmarks": numbers})
    assert answer.status_code == 422, answer.text
    assert answer.json()["title"] == "Not usable landmarks"


def test_nan_is_refused(gestures: House) -> None:
    body = '{"landmarks": [NaN' + ", 0.5" * 62 + "]}"
    answer = gestures.client.post(
        "/v1/gestures/predict", content=body.encode(), headers={"content-type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
