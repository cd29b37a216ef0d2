"""Every promise that the football system made of pictures, videos and the loop (the page: journeys/test_trying.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import av
import mlflow
import msgspec
import numpy as np
import pytest
import yaml  # type: ignore[import-untyped]
from tests import clips, foreign
from tests.house import House, until

from sightloop import plugins
from sightloop.data import recipes
from sightloop.trainers.boxes import yolo
from sightloop.trainers.boxes.options import read
from sightloop.values.image import Image

CLASSES = ("ball", "goalkeeper", "player", "referee")
COLOURS = {"ball": (240, 240, 240), "goalkeeper": (230, 220, 20), "player": (220, 30, 30), "referee": (20, 20, 20)}
# How much of red, green and blue each of them is, against grass and the others.
COLOURED = ((0, 0, 1), (1, 1, -1), (1, -1, 0), (-1, -1, -1))
LESS = (-0.4, -1.2, -0.4, 0.6)
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
    """A server of football: trained on a made-up data set, then challenged by a detector of its colours."""
    folder = tmp_path_factory.mktemp("football")
    house = House(folder / "home", recipes=small(folder / "recipes"), default_project="football")
    house.command("data", "import", "football", str(write_data(folder / "data")))
    house.command("train", "football")
    (folder / "colours.onnx").write_bytes(
        foreign.detector("ultralytics", height=128, width=192, weights=COLOURED, bias=LESS)
    )
    house.command("models", "import", "football", str(folder / "colours.onnx"), "--names", ",".join(CLASSES))
    for process in ("serve", "worker"):
        house.start(process)
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


def test_yolo11_can_be_trained_in_its_place() -> None:
    recipe = recipes.load(None)["football"]
    train = msgspec.structs.replace(recipe.train, trainer="yolo")
    plugins.load("trainers", "yolo").check(msgspec.structs.replace(recipe, train=train))
    assert read(msgspec.structs.replace(recipe, train=train), yolo.Options).weights == "yolo11n.pt"
    assert yolo.LICENCE == "AGPL-3.0"


def seen(boxes: list[dict[str, Any]], seed: int, label: str = "label") -> set[str]:
    """The classes of which a box lies on the one of its class in the picture of this seed."""
    lines = [line.split() for line in pitch(seed)[1].splitlines()]
    places = {CLASSES[int(line[0])]: [float(number) for number in line[1:]] for line in lines}
    found = set()
    for box in boxes:
        x, y, width, height = places[box[label]]
        middle = (box["x1"] + box["x2"]) / 2 / 192, (box["y1"] + box["y2"]) / 2 / 128
        if abs(middle[0] - x) < width / 2 + 8 / 192 and abs(middle[1] - y) < height / 2 + 8 / 128:
            found.add(box[label])
    return found


def test_a_picture_gives_detections(football: House) -> None:
    (answer,) = found(football).json()["predictions"]
    assert (answer["width"], answer["height"]) == (192, 128)
    assert seen(answer["boxes"], 200) == set(CLASSES)
    for box in answer["boxes"]:
        assert 0 <= box["x1"] < box["x2"] <= 192
        assert 0 <= box["y1"] < box["y2"] <= 128


def test_the_detections_can_be_seen(football: House) -> None:
    pytest.importorskip("supervision")
    drawn = Image.decode(found(football, params={"draw": "1"}).content)
    assert drawn.pixels.shape == (128, 192, 3)
    assert (drawn.pixels != Image.decode(pitch(200)[0]).pixels).any()


def test_a_video_gives_detections_that_can_be_seen(football: House, tmp_path: Path) -> None:
    pytest.importorskip("trackers", reason="videos are an extra: sightloop[video]")
    clip = clips.write(tmp_path / "clip.mp4", 12, lambda _: Image.decode(pitch(200)[0]).pixels)
    sent = football.client.post("/v1/football/videos", params={"least": "0.1"}, content=clip.read_bytes())
    address = f"/v1/videos/{sent.raise_for_status().json()['video']['id']}"
    ended = until(lambda: (now := football.client.get(address).json()["video"])["finished"] and now, 120)
    assert (ended["stage"], ended["result"]["frames"]) == ("succeeded", 12)
    told = football.client.get(f"{address}/tracks.json").json()["tracks"]
    first, last = ([one for one in told if one["frame"] == frame] for frame in (5, 11))
    assert seen(last, 200, "class") == set(CLASSES)
    assert {one["id"] for one in first} == {one["id"] for one in last}
    film = tmp_path / "film.mp4"
    film.write_bytes(football.client.get(f"{address}/film.mp4").content)
    with av.open(str(film)) as played:
        assert played.streams.video[0].codec_context.name == "h264"
        frames = [frame.to_ndarray(format="rgb24") for frame in played.decode(video=0)]
    assert len(frames) == 12
    plain = Image.decode(pitch(200)[0]).pixels.astype(int)
    assert np.abs(frames[-1].astype(int) - plain).max() > 60  # something is drawn in it


def test_a_camera_is_answered_live(football: House) -> None:
    pytest.importorskip("websockets")
    from websockets.sync.client import connect

    with connect(f"ws://127.0.0.1:{football.port}/v1/football/stream") as stream:
        stream.send(pitch(200)[0])
        told = json.loads(stream.recv(timeout=60))
    assert seen(told["prediction"]["boxes"], 200) == set(CLASSES)
    assert told["age_ms"] >= 0


def test_the_new_model_is_judged_against_the_best_and_the_better_is_kept(football: House) -> None:
    listed = json.loads(football.command("models", "list", "football", "--json").stdout)
    versions = {one["number"]: one for one in listed}
    first, second = (versions[number]["card"]["detection"]["map"] for number in (1, 2))
    champion = next(one["number"] for one in listed if one["role"] == "champion")
    assert champion == (2 if second >= first else 1) == 2
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
    (trained,) = [run for run in runs if run.data.params["trainer"] == "libreyolo"]
    told = {name.rpartition(".")[2]: value for name, value in trained.data.params.items()}
    # What the recipe's file says, and not the trainer's defaults.
    assert (told["crop"], told["learning_rate"], told["seed"]) == ("128", "0.001", "17")
    assert {int(one.version) for one in client.search_model_versions("name='football'")} == {1, 2}


def test_the_promised_metrics_are_there(football: House) -> None:
    found(football)
    page = football.client.get("/metrics").text
    counted = [line for line in page.splitlines() if line.startswith("predictions_total{") and "football" in line]
    assert sum(float(line.rpartition(" ")[2]) for line in counted) >= 1
    assert "# TYPE prediction_latency_seconds histogram" in page
    assert re.search(r'(?m)^prediction_latency_seconds_bucket\{.*le="\+Inf".*\} [1-9]', page)
