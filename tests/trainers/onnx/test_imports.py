"""Classifiers that others trained come in as packages that answer as their files do, or are refused with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from sightloop.errors import BadData, BadRecipe
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.onnx.imports import TRAINER
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.recipe import Recipe

CLASSES = ("a", "b", "c")
ENDS = {
    "logits": "answer = Identity (raw)",
    "probabilities": "answer = Softmax <axis = 1> (raw)",
}
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)

Numbers = NDArray[np.float64]


def weights(channels: int = 3) -> tuple[Numbers, Numbers]:
    """Of a convolution (4, channels, 1, 1) and of a last layer (4, 3)."""
    chance = np.random.default_rng(3)
    return chance.normal(size=(4, channels, 1, 1)), chance.normal(size=(4, 3))


def foreign(
    shape: str = "n, 3, 8, 8", end: str = "logits", channels: int = 3, opset: int = 18, head: str = "dense"
) -> bytes:
    """A small classifier; `head` is a dense layer after the mean of all places, or a convolution before it."""
    last = "n, h, w, c" if shape.endswith("3") else ""
    planes = "Transpose <perm = [0, 3, 1, 2]> (images)" if last else "Identity (images)"
    dense = "pooled = GlobalAveragePool (lit) flat = Flatten (pooled) raw = MatMul (flat, matrix)"
    convolved = "seen = Conv (lit, kernels) pooled = GlobalAveragePool (seen) raw = Flatten (pooled)"
    text = f"""
    <ir_version: 8, opset_import: ["" : {opset}]>
    small (float[{shape}] images) => (float[n, 3] answer) {{
      planes = {planes}
      features = Conv (planes, filters)
      lit = Relu (features)
      {dense if head == "dense" else convolved}
      {ENDS[end]}
    }}"""
    model = onnx.parser.parse_model(text)
    filters, matrix = weights(channels)
    held = {"filters": filters, "matrix": matrix, "kernels": matrix.T[..., None, None]}
    for name, value in held.items():
        if name in text:
            model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    data: bytes = model.SerializeToString()
    return data


def logits(inputs: NDArray[np.uint8], scaled: Callable[[Numbers], Numbers], channels: int = 3) -> Numbers:
    """What `foreign` answers, counted here."""
    filters, matrix = weights(channels)
    lit = np.maximum(scaled(inputs.astype(float)) @ filters[:, :, 0, 0].T, 0)
    answer: Numbers = lit.mean(axis=(1, 2)) @ matrix
    return answer


def noise(count: int = 40) -> Arrays:
    chance = np.random.default_rng(0)
    return Arrays(chance.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8), np.arange(count) % 3)


def recipe(path: Path, **options: Any) -> Recipe:
    return Recipe.of(
        {
            "name": "tiny",
            "task": "classification",
            "classes": list(CLASSES),
            "input": {"kind": "image", "height": 8, "width": 8},
            "train": {"trainer": "onnx-classifier", "options": {"path": str(path), "high": 1} | options},
        }
    )


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., tuple[Recipe, Fitted]]:
    """Take in a file."""

    def take(data: bytes, **options: Any) -> tuple[Recipe, Fitted]:
        (tmp_path / "model.onnx").write_bytes(data)
        plan = recipe(tmp_path / "model.onnx", **options)
        TRAINER.check(plan)
        return plan, TRAINER.train(plan, noise(), noise(), lambda **_: None)

    return take


@pytest.mark.parametrize("shape", ["n, 3, 8, 8", "1, 3, 8, 8", "n, 8, 8, 3", "n, 3, h, w"])
@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_file_becomes_a_package(
    shape: str, end: str, bring: Callable[..., tuple[Recipe, Fitted]], tmp_path: Path
) -> None:
    plan, fitted = bring(foreign(shape, end), mean=MEAN, std=STD, licence="MIT")
    assert fitted.parameters["answers"] == end
    package = pack(fitted, plan, noise(), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package")
    assert package.card.parity.max_difference <= package.card.parity.limit
    assert (package.card.licence, package.card.embedding) == ("MIT", 4)
    probabilities, _ = RUNTIME.open(package, threads=1).run(noise().inputs)
    expected = logits(noise().inputs, lambda pixels: (pixels / 255 - MEAN) / STD) / package.card.temperature
    odds = np.exp(expected - expected.max(axis=1, keepdims=True))
    assert np.abs(probabilities - odds / odds.sum(axis=1, keepdims=True)).max() < 1e-5


@pytest.mark.parametrize(
    ("channels", "scaled"),
    [
        ("bgr", lambda pixels: pixels[..., ::-1]),
        ("grey", lambda pixels: (pixels @ np.array([0.299, 0.587, 0.114]))[..., None]),
    ],
)
def test_channels_are_as_told(
    channels: str, scaled: Callable[[Numbers], Numbers], bring: Callable[..., tuple[Recipe, Fitted]]
) -> None:
    many = 1 if channels == "grey" else 3
    _, fitted = bring(foreign(f"n, {many}, 8, 8", channels=many), channels=channels, high=255)
    own = fitted.predict(noise().inputs)[0]
    expected = logits(noise().inputs, scaled, many)
    assert np.abs(own - expected).max() < 1e-4 * np.abs(expected).max()


def test_classes_may_stand_in_another_order(bring: Callable[..., tuple[Recipe, Fitted]]) -> None:
    _, plain = bring(foreign())
    _, turned = bring(foreign(), classes=["c", "a", "b"])
    inputs = noise().inputs
    assert np.array_equal(turned.predict(inputs)[0], plain.predict(inputs)[0][:, [1, 2, 0]])


@pytest.mark.parametrize("opset", [11, 13, 21])
@pytest.mark.parametrize("head", ["dense", "convolution"])
def test_old_and_new_files_come_in(
    opset: int, head: str, bring: Callable[..., tuple[Recipe, Fitted]], tmp_path: Path
) -> None:
    plan, fitted = bring(foreign(opset=opset, head=head))
    package = pack(fitted, plan, noise(), open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package")
    assert package.card.embedding == 4
    assert len(package.golden) > 0


@pytest.mark.parametrize(
    ("data", "options", "kind", "message"),
    [
        (b"\x80\x04pickled", {}, BadData, "no ONNX file"),
        (foreign(), {"classes": ["a", "b"]}, BadRecipe, "classes are not the recipe's"),
        (foreign(), {"mean": [0.1, 0.2]}, BadRecipe, "mean.*expected 3 numbers"),
        (foreign(), {"std": [0.1, 0.0, 0.1]}, BadRecipe, "std"),
        (foreign(), {"channels": "grey"}, BadRecipe, "other channels"),
        (foreign("n, 3, 16, 16"), {}, BadRecipe, "another size; expected 16 x 16.*got .* 8 x 8"),
        (foreign("5, 3, 8, 8"), {}, BadData, "so many pictures at once; expected one, or any number; got 5"),
        (foreign(), {"answers": "probabilities"}, BadRecipe, "no probabilities"),
        (foreign(), {"answers": "scores"}, BadRecipe, "answers"),
    ],
)
def test_what_does_not_fit_is_refused(
    data: bytes, options: dict[str, Any], kind: type[Exception], message: str, bring: Callable[..., Any]
) -> None:
    with pytest.raises(kind, match=message):
        bring(data, **options)


def parsed(signature: str, body: str) -> bytes:
    data: bytes = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> other ({signature}) {{ {body} }}'
    ).SerializeToString()
    return data


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (parsed("float16[n, 3, 8, 8] x) => (float16[n, 192] y", "y = Flatten (x)"), BadData, "FLOAT16"),
        (parsed("float[n, 3, 8] x) => (float[n, 24] y", "y = Flatten (x)"), BadData, "takes no pictures"),
        (parsed("float[n, 3, 8, 8] x) => (float[n, 192] y", "y = Flatten (x)"), BadRecipe, "number of classes"),
        (parsed("float[n, 3, 8, 8] x) => (float[n, 3, 8, 8] y", "y = Relu (x)"), BadRecipe, "number of classes"),
        (
            parsed("float[n, 3, 8, 8] x) => (float[n, 3] y, float[n, 3, 8, 8] z", "y = Flatten (x) z = Relu (x)"),
            BadData,
            "several outputs",
        ),
        (
            parsed("float[n, 3, 8, 8] x) => (float[n, 3] y", "p = GlobalAveragePool (x) y = Flatten (p)"),
            BadData,
            "no layer with weights",
        ),
        (
            parsed(
                "float[n, 3, h, w] x) => (float[n, 3] y",
                "s = Constant <value = int64[3] {-1, 3, 99}> () r = Reshape (x, s) y = ReduceMean <keepdims = 0> (r)",
            ),
            BadData,
            "cannot answer pictures of the recipe's size",
        ),
    ],
)
def test_what_is_no_classifier_of_pictures_is_refused(
    data: bytes, kind: type[Exception], message: str, bring: Callable[..., Any]
) -> None:
    with pytest.raises(kind, match=message):
        bring(data)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(onnx.load_model_from_string(foreign()), path, save_as_external_data=True, size_threshold=0)
    plan = recipe(path)
    with pytest.raises(BadData, match="another file"):
        TRAINER.train(plan, noise(), noise(), lambda **_: None)


def test_other_tasks_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="there is no file"):
        TRAINER.check(recipe(tmp_path / "nowhere.onnx"))
    table = {
        "name": "hands",
        "task": "landmarks",
        "classes": ["a", "b"],
        "input": {"kind": "landmarks"},
        "train": {"trainer": "onnx-classifier"},
    }
    with pytest.raises(BadRecipe, match="takes images"):
        TRAINER.check(Recipe.of(table))
