"""Detectors that others trained come in as packages that answer as their files do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnx.parser
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from tests.packages import CELL, SQUARES, painted

from sightloop import plugins
from sightloop.errors import BadData, BadRecipe
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks.detection import TASK
from sightloop.trainers.boxes import detectors
from sightloop.trainers.boxes.foreign_boxes import names_in
from sightloop.trainers.boxes.imports import TRAINER
from sightloop.trainers.trainer import Fitted, Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Recipe

PLACES = 12 * 8 + 6 * 4 + 3 * 2  # of grids of 8, 16 and 32 pixels in 96 x 64
_COLOURS = """
  features = Conv <kernel_shape = [1, 1]> (images, weights)
  cells = AveragePool <kernel_shape = [16, 16], strides = [16, 16]> (features)
  rows = Transpose <perm = [0, 2, 3, 1]> (cells)
  listed = Reshape (rows, flat)
  seen = Relu (listed)
"""
_ENDS = {
    "yolox": "others = Expand (nothing, spread) there = Concat <axis = 1> (early, seen, late)"
    " answer = Concat <axis = 2> (places, there)",
    "ultralytics": "there = Concat <axis = 1> (early, seen, late) whole = Concat <axis = 2> (places, there)"
    " answer = Transpose <perm = [0, 2, 1]> (whole)",
    "suppressed": "best = ReduceMax <keepdims = 1> (seen, two) kind = ArgMax <axis = 2, keepdims = 1> (seen)"
    " number = Cast <to = 1> (kind) answer = Concat <axis = 2> (places, best, number)",
}


def foreign(form: str) -> bytes:
    """A detector of red and green squares in the grid of 16 pixels, in one of the forms, for one picture at a time."""
    shapes = {"yolox": [1, PLACES, 7], "ultralytics": [1, 6, PLACES], "suppressed": [1, 24, 6]}
    text = f"""
    <ir_version: 9, opset_import: ["" : 18]>
    squares (float[1, 3, 64, 96] images) => (float[{", ".join(map(str, shapes[form]))}] answer)
    <float[2, 3, 1, 1] weights, float[1, a, b] places, float[1, c, 2] early, float[1, d, 2] late,
     int64[3] flat = {{1, 24, 2}}, int64[1] two = {{2}}, float[1] nothing = {{0}}, int64[3] spread = {{1, 1, 1}}> {{
      {_COLOURS}
      {_ENDS[form]}
    }}"""
    model = onnx.parser.parse_model(text)
    scale = 255 if form == "yolox" else 1
    weights = np.array([[1, -1, 0], [-1, 1, 0]], np.float32) / scale  # red ahead of green, and the other way round
    weights = weights[:, ::-1] if form == "yolox" else weights  # which comes blue first
    for name, value in (("weights", weights[..., None, None]), ("places", places(form)), *margins()):
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
    data: bytes = model.SerializeToString()
    return data


def margins() -> list[tuple[str, NDArray[np.float32]]]:
    """Nothing is seen in the finer grid and in the coarser one."""
    return [("early", np.zeros((1, 96, 2), np.float32)), ("late", np.zeros((1, 6, 2), np.float32))]


def places(form: str) -> NDArray[np.float32]:
    """Where each place's box is: the cell of 16 pixels, in the way of the form."""
    if form == "yolox":  # the middle of a cell, half a place further; a size of one; sure that there is something
        return np.tile(np.array([0.5, 0.5, 0, 0, 1], np.float32), (1, PLACES, 1))
    cells = [(x, y, x + CELL, y + CELL) for y in range(0, 64, CELL) for x in range(0, 96, CELL)]
    if form == "suppressed":
        return np.array([cells], np.float32)
    around = [((x1 + x2) / 2, (y1 + y2) / 2, CELL, CELL) for x1, y1, x2, y2 in cells]
    return np.array([[(1, 1, 2, 2)] * 96 + around + [(1, 1, 2, 2)] * 6], np.float32)


def recipe(path: Path, **options: Any) -> Recipe:
    usual = {"path": str(path), "classes": ["red", "green"], "licence": "MIT"}
    train = msgspec.structs.replace(SQUARES.train, trainer="onnx-file", options=usual | options)
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
    plan, fitted = bring(foreign(form))
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
    plan, fitted = bring(foreign("yolox"), classes=["rouge", "vert"], start={"red": "rouge", "green": "vert"})
    (rows, _), _ = fitted.predict(np.stack([painted(("green", 0, 0)), painted()]))
    assert plan.classes[int(rows[0, 5])] == "green"


def test_a_class_that_the_file_has_not_is_named(bring: Callable[..., tuple[Recipe, Fitted]]) -> None:
    with pytest.raises(BadRecipe, match="no class green"):
        bring(foreign("yolox"), classes=["red", "vert"])
    with pytest.raises(BadRecipe, match="what its classes are called"):
        bring(foreign("yolox"), classes=["red"])


def test_what_is_no_detector_is_refused(bring: Callable[..., tuple[Recipe, Fitted]], tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no ONNX file"):
        bring(b"\x80\x04pickled")
    with pytest.raises(BadRecipe, match="there is no file"):
        TRAINER.check(recipe(tmp_path / "nowhere.onnx"))
    with pytest.raises(BadRecipe, match="as a detector"):
        TRAINER.check(msgspec.structs.replace(recipe(tmp_path), task="classification"))


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(foreign("yolox"))
    plan = recipe(tmp_path / "model.onnx")
    plan = msgspec.structs.replace(plan, input=msgspec.structs.replace(plan.input, width=128))
    with pytest.raises(BadRecipe, match="another size"):
        TRAINER.train(plan, pictures(), pictures(), lambda **_: None)


def test_names_beside_a_model_are_read_and_not_run() -> None:
    assert names_in("{1: 'b', 0: 'a'}") == ("a", "b")
    assert names_in("__import__('os').system('true')") == ()
    assert names_in("") == ()


def test_a_pickle_is_said_to_be_one(tmp_path: Path) -> None:
    check = plugins.load("trainers", "yolo-file").check
    with pytest.raises(BadRecipe, match="there is no file"):
        check(msgspec.structs.replace(SQUARES, train=msgspec.structs.replace(SQUARES.train, options={"path": "x.pt"})))


def test_published_yolox_comes_in(shared_data: Path) -> None:
    plan = recipe(shared_data / "weights/yolox_nano.onnx", classes=[], start={"red": "person", "green": "sports ball"})
    plan = msgspec.structs.replace(plan, input=msgspec.structs.replace(plan.input, height=416, width=416))
    item = next((shared_data / "football/valid/images").glob("*.jpg")).read_bytes()
    given = Pictures([item], [np.zeros((0, 5), np.float32)])
    fitted = TRAINER.train(plan, given, given, lambda **_: None)
    (rows,), _ = fitted.predict(detectors.laid_out(given, plan.input)[0])
    assert (rows[:, 4] > 0.25).sum() >= 3
