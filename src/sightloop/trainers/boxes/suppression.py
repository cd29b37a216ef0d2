"""The end of every detector's graph: of overlapping boxes of one class only the surest stays."""

from __future__ import annotations

from typing import Any

from sightloop.errors import PackageRefused
from sightloop.tasks.detection import MOST, OVERLAP
from sightloop.trainers.finished import finished
from sightloop.values.package import DETECTIONS, EMBEDDING, INPUT

CANDIDATES = 1000
"""So many of the surest boxes of a picture are compared with each other."""
LEAST = 0.01
"""Boxes of a lower score are never given: enough for average precision, few enough to be quick."""
OPSET = 18
OUTPUTS = ("boxes", "scores", EMBEDDING)
"""Of a detector's graph before its boxes are suppressed."""

# One class for each place, the best one; compared class by class, as the class of what is not its own is scored 0.
_TAIL = f"""
<ir_version: 9, opset_import: ["" : {OPSET}]>
suppress (float[batch, places, 4] boxes, float[batch, places, classes] scores) => (float[batch, kept, 6] {DETECTIONS})
<int64[1] first = {{1}}, int64[1] last = {{2}}, int64[1] candidates = {{{CANDIDATES}}}, int64[1] most = {{{MOST}}},
 float overlap = {{{OVERLAP}}}, float least = {{{LEAST}}}, int64 most0 = {{{MOST}}},
 float[2] off_on = {{0, 1}}, int64[2] batch_and_box = {{0, 2}}, float[1] one = {{1}}, float zero = {{0}},
 int64[3] four = {{1, 1, 4}}>
{{
  best = ReduceMax <keepdims = 0> (scores, last)
  kinds = ArgMax <axis = 2, keepdims = 0> (scores)
  places = Shape <start = 1, end = 2> (boxes)
  classes = Shape <start = 2, end = 3> (scores)
  many = Min (places, candidates)
  top, at = TopK <axis = 1> (best, many)
  at1 = Unsqueeze (at, last)
  at4 = Tile (at1, four)
  corners = GatherElements <axis = 1> (boxes, at4)
  kind = GatherElements <axis = 1> (kinds, at)
  own = OneHot <axis = 1> (kind, classes, off_on)
  top1 = Unsqueeze (top, first)
  each = Mul (own, top1)
  selected = NonMaxSuppression (corners, each, most0, overlap, least)
  pairs = Gather <axis = 1> (selected, batch_and_box)
  chosen = Shape <start = 0, end = 1> (pairs)
  ones = Expand (one, chosen)
  nothing = Mul (top, zero)
  mask = ScatterND (nothing, pairs, ones)
  masked = Mul (top, mask)
  kept = Min (many, most)
  score, order = TopK <axis = 1> (masked, kept)
  order1 = Unsqueeze (order, last)
  order4 = Tile (order1, four)
  kept_corners = GatherElements <axis = 1> (corners, order4)
  kept_kind = GatherElements <axis = 1> (kind, order)
  number = Cast <to = 1> (kept_kind)
  score1 = Unsqueeze (score, last)
  number1 = Unsqueeze (number, last)
  rows = Concat <axis = 2> (kept_corners, score1, number1)
  there = Greater (score1, zero)
  there1 = Cast <to = 1> (there)
  {DETECTIONS} = Mul (rows, there1)
}}
"""


def suppressing(graph: bytes) -> bytes:
    """The graph with its `boxes` (N, A, 4) and `scores` (N, A, classes) made to `detections` (N, K, 6).

    Boxes are corners in pixels of the input. Raises PackageRefused for a graph with other inputs and outputs.
    """
    import onnx
    from onnx import compose, parser, version_converter

    model = onnx.load_model_from_string(graph)
    _refuse_other(model)
    if next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx")) != OPSET:
        model = version_converter.convert_version(model, OPSET)
    # Inner names get prefixes, so that a framework's own cannot collide with ours.
    model = compose.add_prefix(model, "model/", rename_inputs=False, rename_outputs=False)
    tail = compose.add_prefix(parser.parse_model(_TAIL), "suppress/", rename_inputs=False, rename_outputs=False)
    model.ir_version = tail.ir_version
    whole = compose.merge_models(
        model, tail, io_map=[("boxes", "boxes"), ("scores", "scores")], outputs=[DETECTIONS, EMBEDDING]
    )
    return finished(whole)


def _refuse_other(model: Any) -> None:
    inputs, outputs = [one.name for one in model.graph.input], {one.name for one in model.graph.output}
    if inputs != [INPUT] or outputs != set(OUTPUTS):
        raise PackageRefused(
            "the detector's graph has other inputs or outputs",
            expected=f"{INPUT} -> {', '.join(OUTPUTS)}",
            got=f"{', '.join(inputs)} -> {', '.join(sorted(outputs))}",
        )
