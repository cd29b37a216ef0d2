"""Models as others would bring them: ONNX files of small detectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx.parser
from numpy.typing import NDArray
from onnx import numpy_helper
from tests.packages import CELL

SQUARES = ((1, -1, 0), (-1, 1, 0))
"""Red ahead of green, and the other way round."""
_COLOURS = f"""
  features = Conv <kernel_shape = [1, 1]> (images, weights, bias)
  lit = Relu (features)
  cells = AveragePool <kernel_shape = [{CELL}, {CELL}], strides = [{CELL}, {CELL}]> (lit)
  rows = Transpose <perm = [0, 2, 3, 1]> (cells)
  seen = Reshape (rows, flat)
"""
_ENDS = {
    "yolox": "there = Concat <axis = 1> (early, seen, late) answer = Concat <axis = 2> (places, there)",
    "ultralytics": "there = Concat <axis = 1> (early, seen, late) whole = Concat <axis = 2> (places, there)"
    " answer = Transpose <perm = [0, 2, 1]> (whole)",
    "suppressed": "best = ReduceMax <keepdims = 1> (seen, two) kind = ArgMax <axis = 2, keepdims = 1> (seen)"
    " number = Cast <to = 1> (kind) answer = Concat <axis = 2> (places, best, number)",
}


def detector(
    form: str,
    *,
    height: int = 64,
    width: int = 96,
    weights: Sequence[Sequence[float]] = SQUARES,
    bias: Sequence[float] = (0, 0),
) -> bytes:
    """A detector of colours in the grid of 16 pixels, in one of the forms, for one picture at a time.

    `weights` and `bias` say for each class how much of red, green and blue (0 to 1) it is.
    """
    kinds, cells = len(weights), height * width // CELL**2
    places = 4 * cells + cells + cells // 4
    shapes = {"yolox": [1, places, 5 + kinds], "ultralytics": [1, 4 + kinds, places], "suppressed": [1, cells, 6]}
    text = f"""
    <ir_version: 9, opset_import: ["" : 18]>
    squares (float[1, 3, {height}, {width}] images) => (float[{", ".join(map(str, shapes[form]))}] answer)
    <float[k, 3, 1, 1] weights, float[k] bias, float[1, a, b] places, float[1, c, k] early, float[1, d, k] late,
     int64[3] flat = {{1, {cells}, {kinds}}}, int64[1] two = {{2}}> {{
      {_COLOURS}
      {_ENDS[form]}
    }}"""
    model = onnx.parser.parse_model(text)
    mixing = np.array(weights, np.float32)
    held = {
        # YOLOX takes blue first, up to 255.
        "weights": (mixing[:, ::-1] / 255 if form == "yolox" else mixing)[..., None, None],
        "bias": np.array(bias, np.float32),
        "places": _places(form, height, width),
        # Nothing is seen in the finer grid and in the coarser one.
        "early": np.zeros((1, 4 * cells, kinds)),
        "late": np.zeros((1, cells // 4, kinds)),
    }
    for name, value in held.items():
        model.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
    data: bytes = model.SerializeToString()
    return data


def _places(form: str, height: int, width: int) -> NDArray[np.float32]:
    """Where each place's box is: the cell of 16 pixels, in the way of the form."""
    many = height * width // CELL**2
    if form == "yolox":  # the middle of a cell, half a place further; a size of one; sure that there is something
        return np.tile(np.array([0.5, 0.5, 0, 0, 1], np.float32), (1, 4 * many + many + many // 4, 1))
    cells = [(x, y, x + CELL, y + CELL) for y in range(0, height, CELL) for x in range(0, width, CELL)]
    if form == "suppressed":
        return np.array([cells], np.float32)
    around = [((x1 + x2) / 2, (y1 + y2) / 2, CELL, CELL) for x1, y1, x2, y2 in cells]
    return np.array([[(1, 1, 2, 2)] * (4 * many) + around + [(1, 1, 2, 2)] * (many // 4)], np.float32)
