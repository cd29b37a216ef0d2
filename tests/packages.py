"""Small real model packages, made without training, for tests of what serves them."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightloop.data import bundled
from sightloop.runtimes.onnx import RUNTIME
from sightloop.values.image import Image
from sightloop.values.package import EMBEDDING, GOLDEN, GRAPH, INPUT, PROBABILITIES, Package, Parity, Sealed
from sightloop.values.recipe import Input, Recipe

TEXTS = {
    "digits": """
name = "digits"
task = "classification"
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
input = { kind = "image", height = 28, width = 28 }
train = { trainer = "keras" }
""",
    "gestures": """
name = "gestures"
task = "landmarks"
classes = ["like", "dislike", "palm", "ok", "fist"]
aliases = { "thumb up" = "like" }
input = { kind = "landmarks" }
train = { trainer = "sklearn" }
answers = { commands = { like = "up", dislike = "down", palm = "left", ok = "right" } }
""",
}
DIGITS, GESTURES = (Recipe.parse(text) for text in TEXTS.values())


@cache
def drawn() -> list[tuple[bytes, str]]:
    """PNG files of digits, with their labels."""
    return [(item.content, item.label) for item in bundled.digits()]


def hand(seed: int = 0) -> NDArray[np.float32]:
    """A made-up hand, (21, 3), in pixels."""
    return np.random.default_rng(seed).uniform(0, 500, (21, 3)).astype(np.float32)


@cache
def digits(sharpness: float = 40.0) -> Sealed:
    """A model that answers the digit whose mean picture is nearest; another `sharpness` makes another package."""
    pictures = np.stack([Image.decode(content).pixels for content, _ in drawn()])
    flat = pictures.reshape(len(pictures), -1).astype(np.float32) / 255
    targets = np.array([int(label) for _, label in drawn()])
    means = np.stack([flat[targets == digit].mean(axis=0) for digit in range(10)])
    scale = sharpness / 2352
    weights, bias = 2 * scale * means.T / 255, -scale * (means**2).sum(axis=1)
    return seal(DIGITS, graph(DIGITS.input, weights, bias), pictures[:8])


@cache
def gestures() -> Sealed:
    """A model of fixed random weights over 63 numbers."""
    rng = np.random.default_rng(5)
    weights = rng.normal(scale=0.01, size=(63, len(GESTURES.classes)))
    hands = np.stack([hand(seed) for seed in range(8)])
    return seal(GESTURES, graph(GESTURES.input, weights, np.zeros(len(GESTURES.classes))), hands)


def graph(spec: Input, weights: NDArray[Any], bias: NDArray[Any]) -> bytes:
    """A linear layer over the flattened input and a softmax, as a package's graph; the embedding is the logits."""
    kind = TensorProto.UINT8 if spec.kind == "image" else TensorProto.FLOAT
    many = weights.shape[1]
    nodes = [
        helper.make_node("Cast", [INPUT], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "weights", "bias"], [EMBEDDING]),
        helper.make_node("Softmax", [EMBEDDING], [PROBABILITIES], axis=1),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", many]) for name in (PROBABILITIES, EMBEDDING)
    ]
    initial = [
        numpy_helper.from_array(weights.astype(np.float32), "weights"),
        numpy_helper.from_array(bias.astype(np.float32), "bias"),
    ]
    made = helper.make_graph(
        nodes, "linear", [helper.make_tensor_value_info(INPUT, kind, ["n", *spec.shape])], outputs, initial
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def seal(recipe: Recipe, data: bytes, inputs: NDArray[Any], off: float = 0.0) -> Sealed:
    """A package of a graph whose golden answers are the graph's own, or `off` from them."""
    parts: dict[str, bytes] = {GRAPH: data, GOLDEN: _golden(inputs, np.zeros((len(inputs), 1), np.float32))}
    card = Package(
        project=recipe.name,
        task=recipe.task,
        classes=recipe.classes,
        input=recipe.input,
        trainer=recipe.train.trainer,
        embedding=len(recipe.classes),
        temperature=1.0,
        parity=Parity(samples=len(inputs), max_difference=0.0, limit=1e-4),
        files=_digests(parts),
        commands=recipe.answers.commands,
    )
    probabilities, _ = RUNTIME.open(Sealed(card, **_files(parts)), threads=1).run(inputs)
    parts[GOLDEN] = _golden(inputs, probabilities + np.float32(off))
    return Sealed(msgspec.structs.replace(card, files=_digests(parts)), **_files(parts))


def _digests(parts: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}


def _files(parts: dict[str, bytes]) -> dict[str, bytes]:
    return {"graph": parts[GRAPH], "golden": parts[GOLDEN]}


def _golden(inputs: NDArray[Any], probabilities: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {INPUT: inputs, PROBABILITIES: probabilities, EMBEDDING: probabilities}
    np.savez(buffer, **arrays)
    return buffer.getvalue()
