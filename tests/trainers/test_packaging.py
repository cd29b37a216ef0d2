"""A package answers as its framework does, or there is no package."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightloop.errors import BadData, PackageRefused
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.calibration import probabilities
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.package import Sealed
from sightloop.values.recipe import Recipe

RECIPE = Recipe.parse(
    """
    name = "tiny"
    task = "classification"
    classes = ["a", "b", "c"]
    input = { kind = "image", height = 4, width = 4 }
    train = { trainer = "keras", seed = 5 }
    answers = { commands = { a = "up" } }
    """
)
WEIGHTS = np.random.default_rng(1).normal(0, 0.01, (48, 3)).astype(np.float32)
WEIGHTS -= WEIGHTS.mean(axis=0)  # so that each class is answered about as often


def predict(inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A linear model in NumPy, as the framework that the graph was exported from."""
    flat = inputs.reshape(len(inputs), 48).astype(np.float32)
    return flat @ WEIGHTS, flat


def linear(weights: NDArray[np.float32] = WEIGHTS, hidden: str = "probabilities", answer: str = "logits") -> bytes:
    """The same model as a graph; `hidden` is the name of a tensor inside."""
    nodes = [
        helper.make_node("Cast", ["input"], [hidden], to=TensorProto.FLOAT),
        helper.make_node("Flatten", [hidden], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "weights"], [answer]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, ["n", 4, 4, 3])],
        [
            helper.make_tensor_value_info(answer, TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 48]),
        ],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def samples(count: int = 300) -> Arrays:
    """Noise, with classes drawn as the model finds them probable."""
    random = np.random.default_rng(2)
    inputs = random.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    chances = probabilities(predict(inputs)[0], 1.0).cumsum(axis=1)
    return Arrays(inputs, (random.random((count, 1)) > chances[:, :2]).sum(axis=1))


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Sealed]:
    """Packs the linear model; keywords change what the trainer hands over."""

    def make(validation: Arrays | None = None, **changes: Any) -> Sealed:
        fitted = replace(Fitted(graph=linear(), predict=predict, epochs=3), **changes)
        data = samples() if validation is None else validation
        return pack(fitted, RECIPE, data, open=RUNTIME.open, dataset="d1", code="c1", folder=tmp_path / "package")

    return make


def test_the_package_answers_as_the_framework_does(packed: Callable[..., Sealed]) -> None:
    sealed, inputs = packed(), samples().inputs
    answers, embeddings = RUNTIME.open(sealed, threads=1).run(inputs)
    logits, own = predict(inputs)
    assert answers == pytest.approx(probabilities(logits, sealed.card.temperature), abs=1e-5)
    assert embeddings == pytest.approx(own, rel=1e-5)
    assert sealed.card.parity.samples == 256
    assert sealed.card.parity.max_difference < 1e-5


def test_the_card_says_where_the_model_comes_from(packed: Callable[..., Sealed], tmp_path: Path) -> None:
    card = packed(reproducible="shuffling").card
    assert (card.project, card.classes, card.embedding, card.commands) == ("tiny", ("a", "b", "c"), 48, {"a": "up"})
    assert (card.dataset, card.code, card.seed, card.epochs, card.reproducible) == ("d1", "c1", 5, 3, "shuffling")
    assert Sealed.read(tmp_path / "package").card == card


def test_golden_samples_come_from_every_class_with_their_answers(packed: Callable[..., Sealed]) -> None:
    sealed = packed()
    golden = np.load(io.BytesIO(sealed.golden))
    assert golden["input"].shape == (8, 4, 4, 3)
    assert set(golden["probabilities"].argmax(axis=1)) == {0, 1, 2}
    answers, embeddings = RUNTIME.open(sealed, threads=1).run(golden["input"])
    assert answers == pytest.approx(golden["probabilities"], abs=1e-5)
    assert embeddings == pytest.approx(golden["embedding"])


def test_the_same_model_gives_the_same_bytes(packed: Callable[..., Sealed]) -> None:
    assert packed().card.digest == packed().card.digest


def test_a_graph_that_answers_differently_is_refused_with_its_worst_sample(packed: Callable[..., Sealed]) -> None:
    def differs(inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        logits, embedding = predict(inputs)
        logits[(inputs == samples().inputs[0]).all(axis=(1, 2, 3))] += np.array([0, 20, 0], np.float32)
        return logits, embedding

    with pytest.raises(PackageRefused, match="probabilities of validation sample 0"):
        packed(predict=differs)


def test_another_embedding_is_refused(packed: Callable[..., Sealed]) -> None:
    with pytest.raises(PackageRefused, match="embedding of validation sample"):
        packed(predict=lambda inputs: (predict(inputs)[0], predict(inputs)[1] * 1.01))


def test_numbers_that_are_none_are_refused(packed: Callable[..., Sealed]) -> None:
    with pytest.raises(PackageRefused, match="answers differently"):
        packed(graph=linear(WEIGHTS * np.float32(np.nan)))


def test_another_shape_is_refused(packed: Callable[..., Sealed]) -> None:
    with pytest.raises(PackageRefused, match="another shape"):
        packed(predict=lambda inputs: (predict(inputs)[0], predict(inputs)[1][:, :5]))


def test_a_graph_with_other_outputs_is_refused(packed: Callable[..., Sealed]) -> None:
    with pytest.raises(PackageRefused, match="other inputs or outputs"):
        packed(graph=linear(answer="scores"))


def test_weights_in_another_file_are_refused(packed: Callable[..., Sealed]) -> None:
    model = onnx.load_model_from_string(linear())
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with pytest.raises(PackageRefused, match="another file"):
        packed(graph=model.SerializeToString())


def test_without_validation_samples_nothing_is_packed(packed: Callable[..., Sealed]) -> None:
    with pytest.raises(BadData, match="no validation samples"):
        packed(validation=samples(0))


def test_what_exporters_note_of_the_machine_is_left_out(packed: Callable[..., Sealed]) -> None:
    model = onnx.load_model_from_string(linear())
    model.graph.node[0].metadata_props.add(key="file", value="/home/somebody/train.py")
    model.graph.node[0].doc_string = "/home/somebody"
    assert b"somebody" not in packed(graph=model.SerializeToString()).graph
