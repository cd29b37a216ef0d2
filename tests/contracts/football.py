"""Every promise that the football system made of pictures and of the loop; its videos are kept elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]
from tests.house import House

from sightloop.data import recipes
from sightloop.values.image import Image

CLASSES = ("ball", "goalkeeper", "player", "referee")
COLOURS = {"ball": (240, 240, 240), "goalkeeper": (230, 220, 20), "player": (220, 30, 30), "referee": (20, 20, 20)}
FOLDERS = {"train": 4, "valid": 2, "test": 2}

pytest.importorskip("libreyolo", reason="the trainer of detectors is an extra: sightloop[detect]")


def pitch(seed: int) -> tuple[bytes, str]:
    """A made-up picture with one of each on grass, and its marks in YOLO's form."""
    chance = np.random.default_rng(seed)
    pixels = np.full((128, 192, 3), (60, 140, 60), np.uint8)
    lines = []
    for place, (column, name) in enumerate(zip(chance.permutation(6)[:4], CLASSES, strict=True)):
        x, y = 32 * int(column) + 4, int(chance.integers(8, 60))
        width, height = (16, 16) if name == "ball" else (20, 48)
        pixels[y : y + height, x : x + width] = COLOURS[name]
        centre = f"{(x + width / 2) / 192:.6f} {(y + height / 2) / 128:.6f}"
        lines.append(f"{place} {centre} {width / 192:.6f} {height / 128:.6f}\n")
    return Image(pixels).encode(), "".join(lines)


def write_data(folder: Path) -> Path:
    """A data set in YOLO's form, with `data.yaml`."""
    for number, (side, count) in enumerate(FOLDERS.items()):
        for kind in ("images", "labels"):
            (folder / side / kind).mkdir(parents=True)
        for picture in range(count):
            content, marks = pitch(100 * number + picture)
            (folder / side / "images" / f"{picture}.png").write_bytes(content)
            (folder / side / "labels" / f"{picture}.txt").write_text(marks)
    declared = {"path": ".", "train": "train/images", "val": "valid/images", "test": "test/images"}
    (folder / "data.yaml").write_text(yaml.safe_dump(declared | {"nc": 4, "names": list(CLASSES)}))
    return folder


def small(folder: Path) -> Path:
    """The recipe that ships, but for small pictures, no weights to begin with, and no floors to hold."""
    text = resources.files("sightloop.recipes").joinpath("football.toml").read_text(encoding="utf-8")
    text = re.sub(r"height = \d+.*", "height = 128", re.sub(r"width = \d+.*", "width = 192", text))
    text = re.sub(r"(?m)^epochs = \d+", "epochs = 1", text)
    text = re.sub(r"(?s)\[train.options\].*?\n\n", '[train.options]\ncrop = 128\ncrops = 2\nweights = "none"\n\n', text)
    text = re.sub(r"(?m)^floors = .*$", "floors = {}", text)
    folder.mkdir()
    (folder / "football.toml").write_text(re.sub(r"threshold = .*", "threshold = 0.0", text))
    return folder


@pytest.fixture(scope="module")
def football(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server of football, trained twice on a made-up data set."""
    folder = tmp_path_factory.mktemp("football")
    house = House(folder / "home", recipes=small(folder / "recipes"), default_project="football")
    house.command("data", "import", "football", str(write_data(folder / "data")))
    for epochs in ("1", "2"):
        house.command("train", "football", "--epochs", epochs)
    house.start("serve")
    house.ready()
    yield house
    house.stop()


def found(house: House, **how: Any) -> Any:
    """The server's answer to one picture."""
    answer = house.client.post("/v1/football/predict", files={"file": pitch(200)[0]}, **how)
    assert answer.status_code == 200, answer.text
    return answer


def test_the_classes_are_those_of_the_data_set() -> None:
    recipe = recipes.load(None)["football"]
    assert recipe.classes == CLASSES
    assert recipe.task == "detection"


def test_a_picture_gives_detections(football: House) -> None:
    (answer,) = found(football).json()["predictions"]
    assert (answer["width"], answer["height"]) == (192, 128)
    assert {box["label"] for box in answer["boxes"]} <= set(CLASSES)
    for box in answer["boxes"]:
        assert 0 <= box["x1"] < box["x2"] <= 192
        assert 0 <= box["y1"] < box["y2"] <= 128


def test_the_detections_can_be_seen(football: House) -> None:
    pytest.importorskip("supervision")
    drawn = Image.decode(found(football, params={"draw": "1"}).content)
    assert drawn.pixels.shape == (128, 192, 3)


def test_the_new_model_is_judged_against_the_best_and_the_better_is_kept(football: House) -> None:
    listed = json.loads(football.command("models", "list", "football", "--json").stdout)
    versions = {one["number"]: one for one in listed}
    first, second = (versions[number]["card"]["detection"]["map"] for number in (1, 2))
    champion = next(one["number"] for one in listed if one["role"] == "champion")
    assert champion == (2 if second >= first else 1)
    assert "mAP" in versions[2]["reason"]
    assert "interval" in versions[2]["reason"]


def test_parameters_metrics_and_model_are_in_mlflow(football: House) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{football.home}/mlflow.db")
    runs = [
        run
        for experiment in client.search_experiments()
        for run in client.search_runs([experiment.experiment_id])
        if "map50" in run.data.metrics
    ]
    assert len(runs) == 2
    for run in runs:
        assert {"map50", "map", "ap50.ball", "ap50.player", "recall.referee"} <= set(run.data.metrics)
        assert run.data.params["trainer"] == "libreyolo"
        assert {"learning_rate", "epochs", "crop"} <= {name.rpartition(".")[2] for name in run.data.params}
    assert {int(one.version) for one in client.search_model_versions("name='football'")} == {1, 2}


def test_the_promised_metrics_are_there(football: House) -> None:
    found(football)
    page = football.client.get("/metrics").text
    for name in ("predictions_total", "prediction_latency_seconds_bucket"):
        assert f"\n{name}" in page
