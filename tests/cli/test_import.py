"""A model that was trained elsewhere becomes a version that is judged like any other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper
from tests import foreign, packages
from tests.house import House

from sightloop.values.image import Image

SAVED = """
import sys
from sightloop.trainers.keras.graph import load_keras
keras = load_keras()
layers = keras.layers
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(16), layers.Dense(10)])
model.save(sys.argv[1])
"""


@pytest.mark.journey
def test_a_saved_model_is_checked_and_refused_where_it_is_worse(
    open_house: Callable[..., House], tmp_path: Path
) -> None:
    file = tmp_path / "untrained.keras"
    subprocess.run([sys.executable, "-c", SAVED, str(file)], check=True, capture_output=True)
    house = open_house()
    done = house.command("models", "import", "digits", str(file), "--channels", "grey", "--high", "1")
    assert "refused, the champion stays" in done.stdout
    assert "accuracy" in done.stdout

    nowhere = house.command("models", "import", "digits", "no.h5", "--channels", "grey", "--high", "1", check=False)
    assert nowhere.returncode != 0
    assert "there is no file" in nowhere.stderr


def linear(path: Path) -> Path:
    """An ONNX file that tells digits by their mean pictures: grey from 0 to 1, white on black, probabilities."""
    pictures = np.stack([Image.decode(content).pixels[..., 0] for content, _ in packages.drawn()]) / 255
    targets = np.array([int(label) for _, label in packages.drawn()])
    means = np.stack([pictures[targets == digit].mean(axis=0).ravel() for digit in range(10)])
    model = onnx.parser.parse_model(
        """
    <ir_version: 8, opset_import: ["" : 17]>
    linear (float[n, 1, 28, 28] images) => (float[n, 10] answer) {
      flat = Flatten (images)
      raw = Gemm (flat, weights, bias)
      answer = Softmax <axis = 1> (raw)
    }"""
    )
    for name, value in (("weights", 2 * means.T), ("bias", -(means**2).sum(axis=1))):
        model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    onnx.save(model, path)
    return path


@pytest.mark.journey
def test_a_classifier_in_onnx_becomes_a_version(open_house: Callable[..., House], tmp_path: Path) -> None:
    file = linear(tmp_path / "linear.onnx")
    house = open_house()
    told = ("--channels", "grey", "--high", "1", "--licence", "MIT")
    run = json.loads(house.command("models", "import", "digits", str(file), *told, "--json").stdout)
    assert run["status"] in ("succeeded", "refused")
    assert run["result"]["scores"]["accuracy"] > 0.8
    card = json.loads(house.command("models", "show", "digits", str(run["result"]["version"]), "--json").stdout)["card"]
    assert (card["trainer"], card["licence"], card["epochs"]) == ("onnx-classifier", "MIT", 0)

    wrong = house.command("models", "import", "digits", str(file), *told, "--mean", "a", check=False)
    assert "--mean cannot be read" in wrong.stderr
    other = house.command("models", "import", "digits", "weights.pth", check=False)
    assert "no file of a classifier" in other.stderr


def write_squares(folder: Path) -> Path:
    """A data set in YOLO's form: four pictures a side with a red and a green square each."""
    for number, side in enumerate(("train", "valid", "test")):
        for kind in ("images", "labels"):
            (folder / side / kind).mkdir(parents=True)
        for place in range(4):
            at = {0: (place, number), 1: (5 - place, 3)}
            pixels = packages.painted(("red", *at[0]), ("green", *at[1]))
            (folder / side / "images" / f"{place}.png").write_bytes(Image(pixels).encode())
            marks = [f"{kind} {(x + 0.5) / 6} {(y + 0.5) / 4} {1 / 6} {1 / 4}" for kind, (x, y) in at.items()]
            (folder / side / "labels" / f"{place}.txt").write_text("\n".join(marks))
    (folder / "data.yaml").write_text(
        "{path: ., train: train/images, val: valid/images, test: test/images, names: [red, green]}"
    )
    return folder


@pytest.mark.journey
def test_a_detector_in_onnx_becomes_the_champion(tmp_path: Path, empty_mlflow: Path) -> None:
    (tmp_path / "recipes").mkdir()
    # The recipe's size is not the file's: the file keeps its own.
    recipe = packages.TEXTS["squares"].replace("height = 64, width = 96", "height = 128, width = 192")
    (tmp_path / "recipes" / "squares.toml").write_text(recipe)
    (tmp_path / "house" / "home").mkdir(parents=True)
    house = House(tmp_path / "house" / "home", recipes=tmp_path / "recipes")
    shutil.copy(empty_mlflow, house.home / "mlflow.db")
    file = tmp_path / "squares.onnx"
    file.write_bytes(foreign.detector("yolox"))
    house.command("data", "import", "squares", str(write_squares(tmp_path / "data")))
    told = ("--names", "rouge,vert", "--class", "red=rouge", "--class", "green=vert", "--licence", "MIT")
    done = house.command("models", "import", "squares", str(file), *told)
    assert "it serves now" in done.stdout
    (version,) = json.loads(house.command("models", "list", "squares", "--json").stdout)
    assert (version["role"], version["card"]["detection"]["map50"]) == ("champion", 1.0)
    size = version["card"]["input"]
    assert (size["height"], size["width"], version["card"]["licence"]) == (64, 96, "MIT")

    wrong = house.command("models", "import", "squares", str(file), "--class", "red", check=False)
    assert "OURS=THEIRS" in wrong.stderr
    pickle = house.command("models", "import", "squares", "no.pt", check=False)
    assert "there is no file" in pickle.stderr
