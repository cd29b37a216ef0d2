"""Small real model packages, made without training, for tests of what serves them."""

from __future__ import annotations

import hashlib
import io
from functools import cache
from typing import Any

import msgspec
import numpy as np
import onnx
import onnx.parser
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sightloop.data import bundled
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.boxes.suppression import suppressing
from sightloop.values.image import Image
from sightloop.values.package import DETECTIONS, EMBEDDING, GOLDEN, GRAPH, INPUT, PROBABILITIES, Package, Parity, Sealed
from sightloop.values.recipe import Answers, Input, Recipe

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
    "squares": """
name = "squares"
task = "detection"
classes = ["red", "green"]
input = { kind = "image", height = 64, width = 96 }
train = { trainer = "timm" }
""",
}
DIGITS, GESTURES, SQUARES = (Recipe.parse(text) for text in TEXTS.values())
COLOURS = {"red": (230, 20, 20), "green": (20, 230, 20)}
CELL = 16
"""The side of the squares that `squares` finds, and of the grid that they lie in."""
_SQUARES = """
<ir_version: 9, opset_import: ["" : 18]>
squares (uint8[batch, 64, 96, 3] input)
  => (float[batch, 24, 4] boxes, float[batch, 24, 2] scores, float[batch, 3] embedding)
<float[1, 24, 4] grid, float bright = {255}, int64[3] flat = {0, -1, 3}, int64[1] first = {1},
 int64[2] colours = {0, 1}, int64[2] swap = {1, 0}, int64[2] one = {1, 1}, float zero = {0}>
{
  numbers = Cast <to = 1> (input)
  light = Div (numbers, bright)
  planes = Transpose <perm = [0, 3, 1, 2]> (light)
  cells = AveragePool <kernel_shape = [16, 16], strides = [16, 16]> (planes)
  rows = Transpose <perm = [0, 2, 3, 1]> (cells)
  listed = Reshape (rows, flat)
  own = Gather <axis = 2> (listed, colours)
  others = Gather <axis = 2> (listed, swap)
  ahead = Sub (own, others)
  scores = Max (ahead, zero)
  count = Shape <start = 0, end = 1> (input)
  repeats = Concat <axis = 0> (count, one)
  boxes = Tile (grid, repeats)
  embedding = ReduceMean <keepdims = 0> (listed, first)
}
"""


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


@cache
def squares(threshold: float = 0.25) -> Sealed:
    """A detector of red and green squares of 16 pixels in a grid of such cells."""
    corners = [(x, y, x + CELL, y + CELL) for y in range(0, 64, CELL) for x in range(0, 96, CELL)]
    model = onnx.parser.parse_model(_SQUARES)
    model.graph.initializer.append(numpy_helper.from_array(np.array([corners], np.float32), "grid"))
    inputs = np.stack([painted(("red", 1, 2)), painted(("green", 3, 0), ("red", 5, 3))])
    recipe = msgspec.structs.replace(SQUARES, answers=Answers(threshold=threshold))
    return seal(recipe, suppressing(model.SerializeToString()), inputs)


def painted(*found: tuple[str, int, int], height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """A grey picture (height, width, 3) with squares of these colours in these columns and rows of its 6 x 4 cells."""
    pixels = np.full((height, width, 3), 114, np.uint8)
    tall, wide = height // 4, width // 6
    for colour, column, row in found:
        pixels[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide] = COLOURS[colour]
    return pixels


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
    parts: dict[str, bytes] = {GRAPH: data, GOLDEN: b""}
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
        threshold=recipe.answers.threshold if recipe.task == "detection" else 0.0,
        answer=DETECTIONS if recipe.task == "detection" else PROBABILITIES,
    )
    probabilities, _ = RUNTIME.open(Sealed(card, **_files(parts)), threads=1).run(inputs)
    parts[GOLDEN] = _golden(card, inputs, probabilities + np.float32(off))
    return Sealed(msgspec.structs.replace(card, files=_digests(parts)), **_files(parts))


def _digests(parts: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}


def _files(parts: dict[str, bytes]) -> dict[str, bytes]:
    return {"graph": parts[GRAPH], "golden": parts[GOLDEN]}


def _golden(card: Package, inputs: NDArray[Any], answers: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {INPUT: inputs, card.answer: answers, EMBEDDING: answers}
    np.savez(buffer, **arrays)
    return buffer.getvalue()
