"""Boxes through the API: found, drawn, recorded."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from tests import packages
from tests.deploying import Home
from tests.inprocess import Client

from sightloop.store import annotations as said
from sightloop.store import datasets
from sightloop.values.box import Box
from sightloop.values.image import Image
from sightloop.values.sample import digest_of

PICTURE = Image(packages.painted(("red", 0, 0), ("green", 5, 3), height=128, width=192)).encode()
PATH = "/v1/squares/predict"


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    """A home in which the detector of squares is deployed, and a classifier."""
    return make_home(packages.squares(), packages.digits(), default_project="squares")


def test_a_picture_gives_boxes_in_its_own_pixels(client: Client) -> None:
    (found,) = client.post(PATH, files={"file": PICTURE}).json()["predictions"]
    assert (found["width"], found["height"], found["version"]) == (192, 128, 1)
    boxes = {box["label"]: [round(box[name]) for name in ("x1", "y1", "x2", "y2")] for box in found["boxes"]}
    assert boxes == {"red": [0, 0, 32, 32], "green": [160, 96, 192, 128]}
    assert all(0.8 < box["score"] < 0.85 for box in found["boxes"])


def test_many_pictures_at_once_keep_their_order(client: Client) -> None:
    pictures = [Image(packages.painted(("red", column, 1))).encode() for column in range(6)] * 2
    found = client.post(PATH, files=[("files", one) for one in pictures]).json()["predictions"]
    assert [round(one["boxes"][0]["x1"]) for one in found] == [16 * column for column in range(6)] * 2


def test_the_plain_route_answers_with_boxes_too(client: Client) -> None:
    assert len(client.post("/predict", files={"file": PICTURE}).json()["boxes"]) == 2


@pytest.mark.parametrize("how", [{"params": {"draw": "1"}}, {"headers": {"accept": "image/jpeg"}}])
def test_the_drawn_picture_comes_on_request(client: Client, how: dict[str, dict[str, str]]) -> None:
    pytest.importorskip("supervision")
    answer = client.post(PATH, files={"file": PICTURE}, **how)
    assert answer.headers["content-type"] == "image/jpeg"
    drawn, sent = Image.decode(answer.content).pixels, Image.decode(PICTURE).pixels
    assert drawn.shape == sent.shape
    assert np.abs(drawn.astype(int) - sent)[:32, :32].max() > 50


def test_where_there_is_nothing_to_draw_nothing_is_predicted(client: Client) -> None:
    digit = packages.drawn()[0][0]
    for path, files in (("/v1/digits/predict", {"file": digit}), (PATH, [("files", PICTURE), ("files", PICTURE)])):
        answer = client.post(path, params={"draw": "1"}, files=files)
        assert answer.status_code == 422
        assert "nothing to draw" in answer.json()["detail"]
    assert "predictions_total{" not in client.get("/metrics").text


def test_what_was_found_is_recorded(client: Client) -> None:
    (made,) = client.post(PATH, files={"file": PICTURE}).json()["predictions"]
    client.get(f"/v1/predictions/{made['id']}/why")  # waits for the record
    (kept,) = client.get("/v1/squares/predictions").json()["predictions"]
    assert kept["answer"]["boxes"] == made["boxes"]
    assert kept["digest"]


def test_the_document_describes_both_kinds_of_answer(client: Client) -> None:
    document = client.get("/openapi.json").json()
    answers = document["paths"]["/v1/{project}/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    names = [one["$ref"].rpartition("/")[2] for one in answers["schema"]["anyOf"]]
    assert names == ["Predictions", "Pictures"]
    assert "image/jpeg" in document["paths"]["/v1/{project}/predict"]["post"]["responses"]["200"]["content"]
    assert {"Box", "Detected", *names} <= set(document["components"]["schemas"])


RED = {"label": "red", "x1": 0, "y1": 0, "x2": 32, "y2": 32}
GREEN = {"label": "green", "x1": 158, "y1": 96, "x2": 192, "y2": 128}


def test_a_correction_is_boxes_and_becomes_a_sample(client: Client, home: Home) -> None:
    (made,) = client.post(PATH, files={"file": PICTURE}).json()["predictions"]
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json={"boxes": [RED, GREEN], "author": "ann"})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["label"], told["predicted"], told["agrees"]) == ("1 green, 1 red", "1 green, 1 red", True)
    with home.database.read() as connection:
        kept = said.counting(connection, "squares", [told["sample"]])[told["sample"]]
    assert kept.boxes == msgspec.convert((RED, GREEN), tuple[Box, ...])


def test_a_missing_box_is_no_agreement(client: Client) -> None:
    (made,) = client.post(PATH, files={"file": PICTURE}).json()["predictions"]
    told = client.post(f"/v1/predictions/{made['id']}/feedback", json={"boxes": []}).json()
    assert (told["label"], told["agrees"]) == ("nothing", False)


@pytest.mark.parametrize(
    ("right", "told"),
    [
        ({"label": "red"}, "finds boxes"),
        ({"boxes": [RED | {"label": "blue"}]}, "known are red, green"),
        ({"boxes": [RED | {"x1": 500, "x2": 600}]}, "outside of its picture"),
        ({"boxes": [RED | {"x2": 0}]}, "x1 < x2"),
    ],
)
def test_a_correction_that_is_none(client: Client, right: dict[str, Any], told: str) -> None:
    (made,) = client.post(PATH, files={"file": PICTURE}).json()["predictions"]
    answer = client.post(f"/v1/predictions/{made['id']}/feedback", json=right)
    assert answer.status_code == 422
    assert told in answer.text


def test_samples_come_with_their_boxes(client: Client, home: Home) -> None:
    files = [("files", ("a.png", PICTURE)), ("files", ("b.png", Image(packages.painted()).encode()))]
    sent = {"boxes": [json.dumps([RED]), "[]"]}
    answer = client.post("/v1/squares/samples", files=files, data=sent)
    assert answer.json()["added"] == 2, answer.text
    again = client.post("/v1/squares/samples", files=files, data=sent).json()
    assert (again["added"], again["known"], again["relabelled"]) == (0, 2, 0)
    other = client.post("/v1/squares/samples", files=files, data={"boxes": [json.dumps([RED, GREEN]), "[]"]}).json()
    assert other["relabelled"] == 1
    with home.database.read() as connection:
        kept = said.counting(connection, "squares", [digest_of(PICTURE)])[digest_of(PICTURE)]
    assert len(kept.boxes or ()) == 2


def test_versions_are_compared_with_their_boxes(client: Client, home: Home) -> None:
    for column in range(8):
        picture = Image(packages.painted(("red", column % 6, column // 6))).encode()
        boxes = [RED, RED | {"label": "green"}]
        client.post("/v1/squares/samples", json={"image": base64.b64encode(picture).decode(), "boxes": boxes})
        if column == 6:
            datasets.freeze(home.database, home.blobs, "squares", ("red", "green"))
    datasets.freeze(home.database, home.blobs, "squares", ("red", "green"))
    (added,) = client.get("/v1/squares/datasets/1/diff/2").json()["added"]
    assert [box["label"] for box in added["boxes"]] == ["red", "green"]


def test_samples_with_boxes_come_as_json(client: Client) -> None:
    item = {"image": base64.b64encode(PICTURE).decode(), "boxes": [RED]}
    assert client.post("/v1/squares/samples", json={"items": [item]}).json()["added"] == 1


@pytest.mark.parametrize(
    ("path", "sent", "told"),
    [
        ("/v1/squares/samples", {"labels": "red"}, "needs its boxes"),
        ("/v1/squares/samples", {"boxes": "[{}]"}, "not a JSON list of boxes"),
        ("/v1/squares/samples", {"boxes": ["[]", "[]"]}, "do not pair"),
        ("/v1/digits/samples", {"boxes": "[]"}, "needs a label"),
    ],
)
def test_samples_of_the_other_kind_are_refused(client: Client, path: str, sent: dict[str, Any], told: str) -> None:
    answer = client.post(path, files=[("files", ("a.png", PICTURE))], data=sent)
    assert answer.status_code == 422
    assert told in answer.text


def test_a_licence_that_is_not_allowed_does_not_serve(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client]
) -> None:
    home = make_home(packages.squares(), allowed_licences="MIT, BSD-3-Clause")
    client = open_client(home)
    answer = client.post(PATH, files={"file": PICTURE})
    assert answer.status_code == 503
    assert "BSD-3-Clause or MIT" in answer.text
    refused = client.post("/v1/squares/models/1/promote", json={})
    assert refused.status_code == 422
    assert "Apache-2.0" in refused.text
