"""From raw input to features, as ONNX graphs: the one place where hands and pictures are normalised for this trainer.

A package carries the graph in front of its model, and training gets its features from the same graph, so that there is
no second implementation to drift apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightloop.values.landmarks import POINTS
from sightloop.values.recipe import Input

if TYPE_CHECKING:
    from onnx import ModelProto

Extract = Callable[[NDArray[Any]], NDArray[np.float32]]

OPSET = 21
_HEADER = f'<ir_version: 10, opset_import: ["" : {OPSET}]>'
_PAIRS = [i * POINTS + j for i in range(POINTS) for j in range(i + 1, POINTS)]

# The wrist goes to the origin, and the root of the mean squared distance from it becomes 1. Division by the largest
# number comes first, so that no difference or square of a tiny or huge unit leaves float32. Depth is not used: its
# unit differs between sources, some have none, and it did not improve the answers (docs/gestures.md). The 210
# distances do not change when a hand is turned or mirrored, so what they teach holds for both hands.
HAND = f"""{_HEADER}
hand (float[batch, {POINTS}, 3] input) => (float[batch, {2 * (POINTS - 1) + len(_PAIRS)}] features)
<
  int64[1] zero = {{0}}, int64[1] one = {{1}}, int64[1] two = {{2}}, int64[1] three = {{3}}, int64[2] both = {{1, 2}},
  int64[1] end = {{{POINTS}}}, float tiny = {{1e-30}}, int64[{len(_PAIRS)}] pairs = {{{", ".join(map(str, _PAIRS))}}}
>
{{
  plane = Slice(input, zero, two, two)
  sizes = Abs(plane)
  largest = ReduceMax(sizes, both)
  some = Max(largest, tiny)
  bounded = Div(plane, some)
  wrist = Slice(bounded, zero, one, one)
  moved = Sub(bounded, wrist)
  squares = ReduceSumSquare(moved, two)
  square = ReduceMean(squares, one)
  length = Sqrt(square)
  unit = Max(length, tiny)
  hand = Div(moved, unit)

  fingers = Slice(hand, one, end, one)
  coordinates = Flatten(fingers)
  from = Unsqueeze(hand, one)
  to = Unsqueeze(hand, two)
  between = Sub(from, to)
  far = ReduceL2 <keepdims = 0> (between, three)
  all = Flatten(far)
  distances = Gather <axis = 1> (all, pairs)
  features = Concat <axis = 1> (coordinates, distances)
}}
"""


def pixels(height: int, width: int) -> str:
    """The graph of a picture: grey by the weights of Rec. 601, between 0 and 1, row after row."""
    return f"""{_HEADER}
pixels (uint8[batch, {height}, {width}, 3] input) => (float[batch, {height * width}] features)
<float[3, 1] weights = {{0.299, 0.587, 0.114}}, float white = {{255}}>
{{
  colours = Cast <to = 1> (input)
  grey = MatMul(colours, weights)
  light = Div(grey, white)
  features = Flatten(light)
}}
"""


def graph(spec: Input) -> ModelProto:
    """The ONNX model from `input` (N, *spec.shape) to `features` (N, dims)."""
    from onnx import parser

    return parser.parse_model(HAND if spec.kind == "landmarks" else pixels(spec.height, spec.width))


def extractor(spec: Input) -> Extract:
    """A function that runs the graph: raw inputs (N, *spec.shape) to features (N, dims) float32."""
    import onnxruntime

    threads = onnxruntime.SessionOptions()
    threads.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph(spec).SerializeToString(), threads, ["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(["features"], {"input": inputs})[0])
