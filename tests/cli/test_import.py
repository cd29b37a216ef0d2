"""A model that was trained elsewhere becomes a version that is judged like any other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper
from tests import foreign, packages
from tests.cli.conftest import Command
from tests.house import House

from sightloop.values.image import Image
from sightloop.wiring import Parts

Home = Callable[..., Parts]

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


def test_a_classifier_in_onnx_becomes_a_version(home: Home, command: Command, tmp_path: Path) -> None:
    home(trained=True)
    file = str(linear(tmp_path / "linear.onnx"))
    told = ("--channels", "grey", "--high", "1", "--licence", "MIT")
    run = command("models", "import", "tens", file, *told, "--json").json
    assert run["status"] in ("succeeded", "refused")
    assert run["result"]["scores"]["accuracy"] > 0.8
    card = command("models", "show", "tens", str(run["result"]["version"]), "--json").json["card"]
    assert (card["trainer"], card["licence"], card["epochs"]) == ("onnx-classifier", "MIT", 0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tens", "linear.onnx", "--mean", "a"), "--mean cannot be read"),
        (("tens", "weights.pth"), "no file of a classifier; expected .onnx or .keras"),
        (("tens", "nowhere.onnx"), "there is no file"),
        (("squares", "squares.onnx", "--class", "red"), "OURS=THEIRS"),
        (("squares", "squares.keras"), "no file of a detector; expected .onnx or .pt"),
        (("squares", "nowhere.pt"), "there is no file"),
    ],
)
def test_what_cannot_be_taken_in_is_told(home: Home, command: Command, words: tuple[str, ...], told: str) -> None:
    settings = home().settings
    assert settings.recipes is not None
    (settings.recipes / "squares.toml").write_text(packages.TEXTS["squares"])
    done = command("models", "import", *words)
    assert done.code != 0
    assert told in " ".join(done.err.split())


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


def test_a_detector_in_onnx_becomes_the_champion(home: Home, command: Command, tmp_path: Path) -> None:
    # The recipe's size is not the file's: the file keeps its own.
    home(packages.TEXTS["squares"].replace("height = 64, width = 96", "height = 128, width = 192"))
    file = tmp_path / "squares.onnx"
    file.write_bytes(foreign.detector("yolox"))
    assert command("data", "import", "squares", str(write_squares(tmp_path / "data"))).code == 0
    told = ("--names", "rouge,vert", "--class", "red=rouge", "--class", "green=vert", "--licence", "MIT")
    assert "it serves now" in command("models", "import", "squares", str(file), *told).out
    (version,) = command("models", "list", "squares", "--json").json
    assert (version["role"], version["card"]["detection"]["map50"]) == ("champion", 1.0)
    size = version["card"]["input"]
    assert (size["height"], size["width"], version["card"]["licence"]) == (64, 96, "MIT")
