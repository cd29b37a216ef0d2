"""Boxes through the API: found, drawn, recorded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests import packages
from tests.deploying import Home
from tests.inprocess import Client

from sightloop.values.image import Image

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


def test_there_is_nothing_to_draw_for_a_class(client: Client) -> None:
    answer = client.post("/v1/digits/predict", params={"draw": "1"}, files={"file": packages.drawn()[0][0]})
    assert answer.status_code == 422
    assert "nothing to draw" in answer.json()["detail"]


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
    assert {"Box", "Detected", *names} <= set(document["components"]["schemas"])
