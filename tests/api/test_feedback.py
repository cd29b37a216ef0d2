"""What was predicted can be corrected, at once or later."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests import packages
from tests.data.test_prints import jpeg, photo
from tests.deploying import Home
from tests.inprocess import Client
from tests.labels import counting

from sightloop.api import feedback
from sightloop.store import annotations as said
from sightloop.store import samples
from sightloop.values.moment import new_id
from sightloop.values.sample import digest_of

PNG, LABEL = packages.drawn()[0]


def test_a_prediction_is_corrected_at_once(client: Client, home: Home) -> None:
    made = client.post("/predict", files={"file": PNG}).json()
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "9", "author": "ann"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["predicted"], found["label"], found["agrees"]) == (LABEL, "9", False)
    assert found["sample"] == digest_of(PNG)
    with home.database.read() as connection:
        sample = samples.get(connection, "digits", found["sample"])
        (annotation,) = said.history(connection, "digits", found["sample"])
    assert sample is not None
    assert home.blobs.read(sample.place, sample.digest) == PNG
    assert (annotation.author, annotation.source, annotation.prediction) == ("ann", "feedback", made["id"])


def test_the_newest_correction_counts_and_all_are_kept(client: Client, home: Home) -> None:
    made = client.post("/predict", files={"file": PNG}).json()
    for label in ("9", "8"):
        client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": label})
    with home.database.read() as connection:
        assert counting(connection, "digits") == {digest_of(PNG): "8"}
        assert len(said.history(connection, "digits", digest_of(PNG))) == 2


def test_landmarks_become_samples_too(client: Client, home: Home) -> None:
    body = {"landmarks": packages.hand().tolist()}
    (made,) = client.post("/v1/gestures/predict", json=body).json()["predictions"]
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "thumb up"})
    assert answer.json()["label"] == "like"
    with home.database.read() as connection:
        assert counting(connection, "gestures") == {answer.json()["sample"]: "like"}


def test_a_label_that_is_no_class(client: Client) -> None:
    made = client.post("/predict", files={"file": PNG}).json()
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "eleven"})
    assert answer.status_code == 422
    assert "known are 0, 1" in answer.json()["detail"]


def test_an_unknown_prediction(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "PATIENCE", 0.1)
    answer = client.post(f"/v1/predictions/{new_id()}/feedback", json={"label": "1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_cannot_be_on_its_way_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "PATIENCE", 600.0)
    for old in ("01890a5d-ac96-774b-bcce-b302099a8057", "seven"):
        assert client.post(f"/v1/predictions/{old}/feedback", json={"label": "1"}).status_code == 404


def test_an_unknown_field(client: Client) -> None:
    answer = client.post("/v1/predictions/x/feedback", json={"label": "1", "lable": "2"})
    assert answer.status_code == 422
    assert "lable" in answer.json()["detail"]


def test_an_input_that_was_not_kept(
    make_home: Callable[..., Home],
    open_client: Callable[[Home], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sightloop.serve.recorder.MAX_BYTES", 10)
    client = open_client(make_home(packages.digits()))
    made = client.post("/predict", files={"file": PNG}).json()
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "1"})
    assert answer.status_code == 409
    assert "/v1/digits/samples" in answer.json()["hint"]


def test_predictions_are_listed_newest_first_by_pages(client: Client) -> None:
    made = [client.post("/predict", files={"file": PNG}).json()["id"] for _ in range(5)]
    client.post(f"/v1/predictions/{made[-1]}/feedback", json={"label": "1"})
    first = client.get("/v1/digits/predictions?limit=3").json()
    assert [one["id"] for one in first["predictions"]] == made[:1:-1]
    second = client.get(f"/v1/digits/predictions?limit=3&before={first['next']}").json()
    assert [one["id"] for one in second["predictions"]] == made[1::-1]
    assert second["next"] is None


def test_a_corrected_near_duplicate_joins_the_sample_that_it_resembles(client: Client, home: Home) -> None:
    sides = set()
    for quality in range(50, 98, 4):
        content = jpeg(photo(4), quality)
        made = client.post("/predict", files={"file": content}).json()
        assert client.post(f"/v1/predictions/{made['id']}/feedback", json={"label": "9"}).status_code == 201
        with home.database.read() as connection:
            sample = samples.get(connection, "digits", digest_of(content))
        assert sample is not None
        sides.add(sample.side)
    assert len(sides) == 1


def test_why_a_model_answered_is_one_question(client: Client, home: Home) -> None:
    made = client.post("/predict", files={"file": PNG}).json()
    answer = client.get(f"/v1/predictions/{made['id']}/why")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["prediction"], found["label"], found["model"]["number"]) == (made["id"], LABEL, 1)
    assert (found["deployment"]["revision"], found["role"]) == (1, "champion")
    assert len(found["ledger"]) == 2
    assert client.get("/v1/predictions/nobody/why").status_code == 404
