"""Folded graphs answer alike, with fewer nodes; what does not belong to a convolution alone is left as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from sightloop.trainers.keras.folding import fold

GRAPH = """
<ir_version: 9, opset_import: ["" : 18]>
made (float[n, 2, 6, 6] pixels) => (float[n, 4, 4, 3] answer{more}) {{
  found = Conv (pixels, weights{bias})
  laid = Transpose <perm = [{turn}]> (found)
  same = Cast <to = 1> (laid)
  off = Sub (same, mean)
  scaled = Mul (off, gain)
  moved = Add (scaled, beta)
  answer = Relu (moved)
}}
"""


def made(bias: bool = False, turn: str = "0, 2, 3, 1", more: str = "") -> onnx.ModelProto:
    """A convolution, and a normalisation as Keras writes it."""
    text = GRAPH.format(bias=", bias" if bias else "", turn=turn, more=more)
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(3)
    shapes = {"weights": (3, 2, 3, 3), "mean": (1, 1, 1, 3), "gain": (1, 1, 1, 3), "beta": (3,)}
    shapes |= {"bias": (3,)} if bias else {}
    for name, shape in shapes.items():
        model.graph.initializer.append(numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name))
    onnx.checker.check_model(model)
    return model


def answers(model: onnx.ModelProto) -> NDArray[np.float32]:
    pixels = np.random.default_rng(5).normal(size=(2, 2, 6, 6)).astype(np.float32)
    (first, *_) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"pixels": pixels})
    found: NDArray[np.float32] = first
    return found


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("bias", [False, True])
def test_a_normalisation_goes_into_the_convolution(bias: bool) -> None:
    model = made(bias)
    expected = answers(model)
    fold(model)
    onnx.checker.check_model(model)
    assert kinds(model) == ["Conv", "Transpose", "Cast", "Relu"]
    assert len(model.graph.initializer) == 2, "weights and bias, and nothing that nobody reads"
    assert np.abs(answers(model) - expected).max() < 1e-5


@pytest.mark.parametrize("others", [{"more": ", float[n, 4, 4, 3] off"}, {"more": ", float[n, 4, 4, 3] same"}])
def test_what_somebody_else_reads_stays(others: dict[str, Any]) -> None:
    model = made(**others)
    expected = answers(model)
    fold(model)
    onnx.checker.check_model(model)
    assert "Mul" in kinds(model)
    assert np.abs(answers(model) - expected).max() < 1e-5


def test_numbers_that_are_not_the_channels_stay() -> None:
    model = made(turn="0, 2, 1, 3")  # three channels in the middle: what is as long as the last axis is no channel
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.ones((3, 2, 3, 4), np.float32), "weights")
    )  # three columns are left
    model.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 3
    model.graph.output[0].type.tensor_type.shape.dim[3].dim_value = 3
    expected = answers(model)
    fold(model)
    assert kinds(model) == ["Conv", "Transpose", "Cast", "Sub", "Mul", "Add", "Relu"]
    assert (answers(model) == expected).all()
