"""The labelling queue over HTTP."""

from __future__ import annotations

from tests import packages
from tests.house import until
from tests.inprocess import Client


def test_a_prediction_is_asked_about_until_it_is_corrected(client: Client) -> None:
    for content, _ in packages.drawn()[:3]:
        client.post("/v1/digits/predict", content=content, headers={"content-type": "image/png"})
    asking = until(lambda: len((found := client.get("/v1/digits/queue").json())["items"]) == 3 and found)
    first = asking["items"][0]
    assert (asking["considered"], asking["waiting"]) == (3, 0)
    assert 0 <= first["margin"] <= first["confidence"] <= 1
    done = client.post(f"/v1/predictions/{first['prediction']}/feedback", json={"label": first["label"]})
    assert done.status_code == 201
    left = client.get("/v1/digits/queue", params={"limit": 1}).json()
    assert left["considered"] == 2
    assert len(left["items"]) == 1


def test_landmarks_have_a_queue_too(client: Client) -> None:
    client.post("/v1/gestures/predict", json={"landmarks": packages.hand().tolist()})
    assert until(lambda: client.get("/v1/gestures/queue").json()["items"])[0]["label"] in packages.GESTURES.classes


def test_an_unknown_project_or_a_wrong_limit_is_refused(client: Client) -> None:
    assert client.get("/v1/digit/queue").status_code == 404
    assert client.get("/v1/digits/queue", params={"limit": 0}).status_code == 422
