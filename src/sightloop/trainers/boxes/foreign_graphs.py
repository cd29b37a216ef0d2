"""Detectors of others put behind raw pixels, as graphs: what comes before them, after them, and round them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.trainers.boxes.foreign_boxes import Layout, grids
from sightloop.trainers.boxes.suppression import OPSET
from sightloop.trainers.finished import strip
from sightloop.trainers.onnx import files
from sightloop.values.recipe import Input

_CORNERS = """
  half = Div (size, halved)
  low = Sub (middle, half)
  high = Add (middle, half)
  boxes = Concat <axis = 2> (low, high)
"""
_READ = {
    "yolox": """
  raw = Slice (answer, zero, two, last)
  moved = Add (raw, grid)
  middle = Mul (moved, strides)
  logs = Slice (answer, two, four, last)
  sizes = Exp (logs)
  size = Mul (sizes, strides)
  there = Slice (answer, four, five, last)
  all = Slice (answer, five, end, last)
  some = Gather <axis = 2> (all, rows)
  scores = Mul (there, some)
"""
    + _CORNERS,
    "ultralytics": """
  turned = Transpose <perm = [0, 2, 1]> (answer)
  middle = Slice (turned, zero, two, last)
  size = Slice (turned, two, four, last)
  all = Slice (turned, four, end, last)
  scores = Gather <axis = 2> (all, rows)
"""
    + _CORNERS,
    "suppressed": """
  boxes = Slice (answer, zero, four, last)
  score = Slice (answer, four, five, last)
  kind = Slice (answer, five, six, last)
  places = Cast <to = 1> (rows)
  same = Equal (kind, places)
  own = Cast <to = 1> (same)
  scores = Mul (score, own)
""",
}


def behind_pixels(model: Any, spec: Input, layout: Layout, rows: Sequence[int]) -> bytes:
    """The model as a graph of uint8 pixels (N, H, W, 3) to `boxes`, `scores` and `embedding`.

    A file that takes one picture at a time is applied to each of a batch by ONNX's own loop (Scan).
    """
    import onnx
    from onnx import TensorProto, compose, helper, parser

    model = files.within(model, OPSET, OPSET)
    feature = _feature(model)
    name, answer = model.graph.input[0].name, model.graph.output[0].name
    del model.graph.output[:]
    for output, axes in ((answer, 3), (feature, 4)):
        model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * axes))
    inner = compose.add_prefix(model, "model/")
    head = parser.parse_model(_before(layout, spec))
    tail = parser.parse_model(_after(layout))
    constants: list[tuple[str, NDArray[Any]]] = [("rows", np.array(rows, np.int64)), *_grid(layout, spec)]
    for label, value in constants:
        tail.graph.initializer.append(onnx.numpy_helper.from_array(value, label))
    head.ir_version = tail.ir_version = inner.ir_version
    whole = compose.merge_models(head, inner, io_map=[("planes", f"model/{name}")])
    whole = compose.merge_models(whole, tail, io_map=[(f"model/{answer}", "answer"), (f"model/{feature}", "feature")])
    if layout.single:
        whole = files.each(whole, spec.shape)
    strip(whole)
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString(deterministic=True))


def _feature(model: Any) -> str:
    """The tensor whose mean is the embedding: the last of those with most channels, as backbones end in."""
    sizes = {
        one.name: one.type.tensor_type.shape.dim[1].dim_value
        for one in model.graph.value_info
        if len(one.type.tensor_type.shape.dim) == 4
    }
    made = [name for node in model.graph.node if node.op_type == "Conv" for name in node.output if name in sizes]
    if not made:
        raise BadData("the model has no convolutions whose features could be taken")
    widest = max(sizes[name] for name in made)
    return str(next(name for name in reversed(made) if sizes[name] == widest))


def _before(layout: Layout, spec: Input) -> str:
    shape = f"{spec.height}, {spec.width}, 3"
    change = "light = Gather <axis = 3> (numbers, order)" if layout.kind == "yolox" else "light = Div (numbers, white)"
    return f"""
    <ir_version: 9, opset_import: ["" : {OPSET}]>
    before (uint8[{1 if layout.single else "batch"}, {shape}] input) => (float[b, 3, h, w] planes)
    <float white = {{255}}, int64[3] order = {{2, 1, 0}}> {{
      numbers = Cast <to = 1> (input)
      {change}
      planes = Transpose <perm = [0, 3, 1, 2]> (light)
    }}"""


def _after(layout: Layout) -> str:
    body = _READ[layout.kind]
    return f"""
    <ir_version: 9, opset_import: ["" : {OPSET}]>
    after (float[b, r, c] answer, float[b, f, y, x] feature)
      => (float[b, a, 4] boxes, float[b, a, k] scores, float[b, f] embedding)
    <int64[1] zero = {{0}}, int64[1] two = {{2}}, int64[1] four = {{4}}, int64[1] five = {{5}}, int64[1] six = {{6}},
     int64[1] end = {{100000}}, int64[1] last = {{2}}, float halved = {{2}}, int64[2] plane = {{2, 3}}> {{
          {body}
          embedding = ReduceMean <keepdims = 0> (feature, plane)
    }}"""


def _grid(layout: Layout, spec: Input) -> list[tuple[str, NDArray[Any]]]:
    """The places of YOLOX's grids (1, A, 2) and their strides (1, A, 1)."""
    if layout.kind != "yolox":
        return []
    grid, strides = grids(spec)
    return [("grid", grid[None]), ("strides", strides[None])]
