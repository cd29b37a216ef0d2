"""Both detectors' trainers, on pictures with coloured squares: what comes out is a package that answers as they do."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image
import pytest
from tests.packages import SQUARES, painted

from sightloop import plugins
from sightloop.errors import BadData, BadRecipe, NotReady, PackageRefused
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks.detection import TASK
from sightloop.trainers.boxes import detectors, libreyolo, yolo
from sightloop.trainers.torchvision_operators import load_libreyolo
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Recipe


def recipe(trainer: str = "libreyolo", **options: Any) -> Recipe:
    """Squares' recipe for one short epoch of small crops."""
    usual = {"crop": 64, "crops": 1, "weights": "none"} if trainer == "libreyolo" else {"crop": 64, "crops": 1}
    train = msgspec.structs.replace(SQUARES.train, trainer=trainer, epochs=1, batch_size=4, options=usual | options)
    return msgspec.structs.replace(SQUARES, train=train)


def pictures(count: int = 8) -> Pictures:
    """Pictures with a red and a green square each."""
    chance, contents, boxes = np.random.default_rng(1), [], []
    for _ in range(count):
        places = chance.choice(24, 2, replace=False)
        squares = [(colour, int(at % 6), int(at // 6)) for colour, at in zip(("red", "green"), places, strict=True)]
        contents.append(Image(painted(*squares)).encode())
        corners = [(16 * x, 16 * y, 16 * x + 16, 16 * y + 16, SQUARES.classes.index(c)) for c, x, y in squares]
        boxes.append(np.array(corners, np.float32))
    return Pictures(contents, boxes)


def ignore(**_: Any) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """A YOLOX begun from nothing."""
    pytest.importorskip("libreyolo")
    return libreyolo.TRAINER.train(recipe(), pictures(), pictures(3), ignore)


def test_a_package_answers_as_its_framework(fitted: Fitted, tmp_path: Path) -> None:
    package = detectors.pack(
        fitted, recipe(), pictures(3), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package"
    )
    card = package.card
    assert (card.task, card.answer, card.licence, card.threshold) == ("detection", "detections", "Apache-2.0", 0.25)
    assert card.parity.samples == 3
    assert card.parity.max_difference <= card.parity.limit
    prepared = TASK.prepare(pictures(1).contents[0], card.input, max_pixels=10**7)
    rows, embedding = RUNTIME.open(package, threads=1).run(np.stack([*prepared.inputs] * 3))
    assert rows.shape[::2] == (3, 6)
    assert embedding.shape == (3, card.embedding)
    assert (rows[0] == rows[2]).all()
    assert (np.diff(rows[0, :, 4]) <= 0).all()


def test_a_package_that_answers_otherwise_is_refused(fitted: Fitted, tmp_path: Path) -> None:
    def moved(inputs: Any) -> Any:
        _, embeddings = fitted.predict(inputs)
        return [np.array([[1, 1, 40, 40, 0.9, 0]], np.float32)] * len(inputs), embeddings

    other = said(fitted, moved)
    with pytest.raises(PackageRefused, match="differently from its framework"):
        detectors.pack(other, recipe(), pictures(3), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path)


def said(fitted: Fitted, predict: Any) -> Fitted:
    """The same graph, with another word of its framework."""
    return Fitted(graph=fitted.graph, predict=predict, epochs=1)


def test_the_same_seed_trains_the_same_weights(fitted: Fitted) -> None:
    again = libreyolo.TRAINER.train(recipe(), pictures(), pictures(3), ignore)
    assert again.curves == fitted.curves
    assert again.graph == fitted.graph


def test_ultralytics_learns_under_its_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("ultralytics") is None:  # to import it here would change what `load_ultralytics` keeps
        pytest.skip("ultralytics is not installed: `make yolo`")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    opening = PIL.Image.open
    yolo.load_ultralytics()
    assert PIL.Image.open is opening
    import torch
    from ultralytics.nn import tasks

    build: Any = tasks.DetectionModel  # it carries no types
    weights = tmp_path / "tiny.pt"
    torch.save({"model": build("yolo11n.yaml", nc=3, verbose=False)}, weights)
    told: list[str] = []
    plan = recipe("yolo", weights=str(weights))
    found = yolo.TRAINER.train(plan, pictures(), pictures(3), lambda message="", **_: told.append(message))
    package = detectors.pack(
        found, plan, pictures(3), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package"
    )
    assert package.card.licence == "AGPL-3.0"
    assert "AGPL-3.0" in told[0]


@pytest.mark.parametrize("trainer", ["libreyolo", "yolo"])
def test_what_a_trainer_cannot_do_is_refused(trainer: str) -> None:
    check = plugins.load("trainers", trainer).check
    check(recipe(trainer))
    with pytest.raises(BadRecipe, match="did you mean 'crops'"):
        check(recipe(trainer, crop_s=3))
    with pytest.raises(BadRecipe, match="changes"):
        check(recipe(trainer, changes={"mirrored": 0.5}))
    odd = msgspec.structs.replace(recipe(trainer), input=msgspec.structs.replace(SQUARES.input, height=100))
    with pytest.raises(BadRecipe, match="multiples of 32"):
        check(odd)
    with pytest.raises(BadRecipe, match="trains detectors"):
        check(msgspec.structs.replace(recipe(trainer), task="classification"))


def test_weights_that_are_not_there_are_asked_for() -> None:
    pytest.importorskip("libreyolo")
    with pytest.raises(NotReady, match="SIGHTLOOP_WEIGHTS"):
        libreyolo.TRAINER.train(recipe(weights="nowhere.onnx"), pictures(), pictures(3), ignore)


def test_without_a_box_there_is_nothing_to_learn() -> None:
    bare = Pictures(pictures(2).contents, [np.zeros((0, 5), np.float32)] * 2)
    with pytest.raises(BadData, match="not one box"):
        libreyolo.TRAINER.train(recipe(), bare, pictures(3), ignore)


def test_weights_that_are_cut_off_are_told(tmp_path: Path) -> None:
    pytest.importorskip("libreyolo")
    (tmp_path / "weights.onnx").write_bytes(b"\x08\x08\x12\x07pytorch:\xff")
    plan = recipe(weights=str(tmp_path / "weights.onnx"))
    with pytest.raises(BadData, match=r"weights\.onnx is no ONNX file"):
        libreyolo.TRAINER.train(plan, pictures(), pictures(3), ignore)


def test_published_weights_begin_where_they_were_published(shared_data: Path) -> None:
    pytest.importorskip("libreyolo")
    from sightloop.trainers.boxes import yolox

    item = next((shared_data / "football/valid/images").glob("*.jpg")).read_bytes()
    spec = msgspec.structs.replace(SQUARES.input, height=384, width=640)
    inputs, _ = detectors.laid_out(Pictures([item], [np.zeros((0, 5), np.float32)]), spec)
    load_libreyolo()
    weights = shared_data / "weights/yolox_nano.onnx"
    network = yolox.build("n", weights, ("player",), {"player": "person"}, yolox.given(inputs))
    (found,), _ = yolox.predict(network, inputs)
    assert (found[:, 4] > 0.3).sum() >= 5  # people on the pitch
    with pytest.raises(BadRecipe, match="COCO"):
        yolox.build("n", weights, ("player",), {"player": "persn"}, yolox.given(inputs))
    with pytest.raises(BadRecipe, match="another network"):
        yolox.build("t", weights, ("player",), {}, yolox.given(inputs))
