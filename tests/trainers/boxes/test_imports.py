"""Detectors that others trained come in as packages that answer as their files do."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnx.parser
import pytest
from tests.foreign import detector
from tests.packages import SQUARES, painted

from sightloop import plugins
from sightloop.errors import BadData, BadRecipe
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks.detection import TASK
from sightloop.trainers.boxes import detectors
from sightloop.trainers.boxes.foreign_boxes import names_in
from sightloop.trainers.boxes.imports import TRAINER
from sightloop.trainers.boxes.yolo import load_ultralytics
from sightloop.trainers.onnx import files
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Recipe


def recipe(path: Path, **options: Any) -> Recipe:
    usual = {"path": str(path), "classes": ["red", "green"], "licence": "MIT"}
    train = msgspec.structs.replace(SQUARES.train, trainer="onnx-detector", options=usual | options)
    return msgspec.structs.replace(SQUARES, train=train)


def pictures() -> Pictures:
    seen = [Image(painted(("red", 1, 1), ("green", 4, 2))).encode(), Image(painted()).encode()]
    boxes = [np.array([[16, 16, 32, 32, 0], [64, 32, 80, 48, 1]], np.float32), np.zeros((0, 5), np.float32)]
    return Pictures(seen, boxes)


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., tuple[Recipe, Fitted]]:
    """Take in a file of some form."""

    def take(data: bytes, **options: Any) -> tuple[Recipe, Fitted]:
        (tmp_path / "model.onnx").write_bytes(data)
        plan = recipe(tmp_path / "model.onnx", **options)
        TRAINER.check(plan)
        return plan, TRAINER.train(plan, pictures(), pictures(), lambda **_: None)

    return take


@pytest.mark.parametrize("form", ["yolox", "ultralytics", "suppressed"])
def test_each_form_becomes_a_package(form: str, bring: Callable[..., tuple[Recipe, Fitted]], tmp_path: Path) -> None:
    plan, fitted = bring(detector(form))
    assert fitted.parameters["layout"] == form
    package = detectors.pack(
        fitted, plan, pictures(), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package"
    )
    assert (package.card.licence, package.card.parity.max_difference) == ("MIT", 0.0)
    session = RUNTIME.open(package, threads=1)
    prepared = [TASK.prepare(one, plan.input, max_pixels=10**7) for one in pictures().contents]
    rows, _ = session.run(np.stack([one.inputs[0] for one in prepared]))
    found, nothing = (TASK.read([row], package.card, one.size) for row, one in zip(rows, prepared, strict=True))
    told = {box.label: [round(corner) for corner in box.corners] for box in found.boxes}
    assert told == {"red": [16, 16, 32, 32], "green": [64, 32, 80, 48]}
    assert nothing.boxes == []


def test_classes_may_have_other_names(bring: Callable[..., tuple[Recipe, Fitted]]) -> None:
    plan, fitted = bring(detector("yolox"), classes=["rouge", "vert"], start={"red": "rouge", "green": "vert"})
    (rows, _), _ = fitted.predict(np.stack([painted(("green", 0, 0)), painted()]))
    assert plan.classes[int(rows[0, 5])] == "green"


def test_a_class_that_the_file_has_not_is_named(bring: Callable[..., tuple[Recipe, Fitted]]) -> None:
    with pytest.raises(BadRecipe, match="no class green"):
        bring(detector("yolox"), classes=["red", "vert"])
    with pytest.raises(BadRecipe, match="what its classes are called"):
        bring(detector("yolox"), classes=["red"])


def test_what_is_no_detector_is_refused(bring: Callable[..., tuple[Recipe, Fitted]], tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no ONNX file"):
        bring(b"\x80\x04pickled")
    with pytest.raises(BadRecipe, match="there is no file"):
        TRAINER.check(recipe(tmp_path / "nowhere.onnx"))
    with pytest.raises(BadRecipe, match="as a detector"):
        TRAINER.check(msgspec.structs.replace(recipe(tmp_path), task="classification"))


@pytest.mark.parametrize("form", ["yolox", "suppressed"])
def test_a_file_keeps_its_own_size(form: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(detector(form))
    plan = recipe(tmp_path / "model.onnx")
    plan = msgspec.structs.replace(plan, input=msgspec.structs.replace(plan.input, height=736, width=1280))
    fitted = TRAINER.train(plan, pictures(), pictures(), lambda **_: None)
    package = detectors.pack(
        fitted, plan, pictures(), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package"
    )
    assert (package.card.input.height, package.card.input.width) == (64, 96)
    assert package.card.parity.samples == 2


def test_what_takes_no_pictures_is_refused(bring: Callable[..., tuple[Recipe, Fitted]]) -> None:
    bare = '<ir_version: 9, opset_import: ["" : 18]> bare (%s x) => (%s y) { y = Identity (x) }'
    for kind in ("float[n, 6]", "uint8[n, 3, 64, 96]"):
        with pytest.raises(BadData, match="takes no pictures"):
            bring(onnx.parser.parse_model(bare % (kind, kind)).SerializeToString())
    with pytest.raises(BadData, match="no detector of a known form"):
        bring(onnx.parser.parse_model(bare % (("float[n, 3, 64, 96]",) * 2)).SerializeToString())


def test_names_beside_a_model_are_read_and_not_run() -> None:
    assert names_in("{1: 'b', 0: 'a'}") == ("a", "b")
    assert names_in("__import__('os').system('true')") == ()
    assert names_in("") == ()


def test_a_pickle_is_said_to_be_one(tmp_path: Path) -> None:
    check = plugins.load("trainers", "yolo-file").check
    with pytest.raises(BadRecipe, match="there is no file"):
        check(msgspec.structs.replace(SQUARES, train=msgspec.structs.replace(SQUARES.train, options={"path": "x.pt"})))


def test_a_file_of_ultralytics_becomes_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("ultralytics") is None:  # to import it here would change what `load_ultralytics` keeps
        pytest.skip("ultralytics is not installed: `make yolo`")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    load_ultralytics()
    import torch
    from ultralytics.nn import tasks

    build: Any = tasks.DetectionModel  # it carries no types
    torch.manual_seed(1)
    model = build("yolo11n.yaml", nc=3, verbose=False)
    model.names = {0: "vert", 1: "bleu", 2: "rouge"}
    torch.save({"model": model}, tmp_path / "best.pt")
    options = {"path": str(tmp_path / "best.pt"), "start": {"red": "rouge", "green": "vert"}}
    plan = msgspec.structs.replace(
        SQUARES, train=msgspec.structs.replace(SQUARES.train, trainer="yolo-file", options=options)
    )
    trainer, told = plugins.load("trainers", "yolo-file"), []
    trainer.check(plan)
    fitted = trainer.train(plan, pictures(), pictures(), lambda message="", **_: told.append(message))
    package = detectors.pack(
        fitted, plan, pictures(), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package"
    )
    assert (package.card.licence, package.card.epochs) == ("AGPL-3.0", 0)
    assert package.card.parity.max_difference <= package.card.parity.limit
    assert "runs code" in told[0]
    # Its classes are the file's own, in the recipe's order.
    inputs, _ = detectors.laid_out(pictures(), plan.input)
    with torch.no_grad():
        theirs = model.eval()(torch.from_numpy(inputs).permute(0, 3, 1, 2).float() / 255)[0][:, [4 + 2, 4 + 0]]
    session = files.opened(fitted.graph)
    ours = session.run(["scores"], {"input": inputs})[0].transpose(0, 2, 1)
    assert np.abs(ours - theirs.numpy()).max() < 1e-4


def test_a_file_of_ultralytics_without_the_class_is_refused(tmp_path: Path) -> None:
    if find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed: `make yolo`")
    load_ultralytics()
    import torch
    from ultralytics.nn import tasks

    build: Any = tasks.DetectionModel  # it carries no types
    torch.save({"model": build("yolo11n.yaml", nc=2, verbose=False)}, tmp_path / "best.pt")
    train = msgspec.structs.replace(SQUARES.train, trainer="yolo-file", options={"path": str(tmp_path / "best.pt")})
    with pytest.raises(BadRecipe, match="start: 'red'"):
        plugins.load("trainers", "yolo-file").train(
            msgspec.structs.replace(SQUARES, train=train), pictures(), pictures(), lambda **_: None
        )


def test_published_yolox_comes_in(shared_data: Path) -> None:
    plan = recipe(shared_data / "weights/yolox_nano.onnx", classes=[], start={"red": "person", "green": "sports ball"})
    plan = msgspec.structs.replace(plan, input=msgspec.structs.replace(plan.input, height=416, width=416))
    item = next((shared_data / "football/valid/images").glob("*.jpg")).read_bytes()
    given = Pictures([item], [np.zeros((0, 5), np.float32)])
    fitted = TRAINER.train(plan, given, given, lambda **_: None)
    (rows,), _ = fitted.predict(detectors.laid_out(given, plan.input)[0])
    assert (rows[:, 4] > 0.25).sum() >= 3
