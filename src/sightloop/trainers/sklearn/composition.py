"""Joins the graph of the features and what scikit-learn fitted to them into one ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sightloop.trainers.sklearn.features import OPSET

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

# Of a probability, before its logarithm: about what float32 can tell from zero beside 1.
LEAST = 1e-7
_OPSETS = {"": OPSET, "ai.onnx.ml": 3}


def compose(features: ModelProto, scaler: Any, projection: Any, members: list[Any]) -> bytes:
    """The graph `input` -> features -> scaler -> `logits` (log of the members' mean probabilities), `embedding`."""
    from onnx import TensorProto, checker, helper, numpy_helper
    from onnx.utils import Extractor

    width = features.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    graph, classes = features.graph, len(members[0].classes_)
    _append(graph, _exported(scaler, width), "scaler/", {"X": "features", "variable": "scaled"})
    _append(graph, _exported(projection, width), "projection/", {"X": "scaled", "variable": "embedding"})
    answers = [f"answer{place}" for place in range(len(members))]
    for member, answer in zip(members, answers, strict=True):
        _append(graph, _exported(member, width), f"{answer}/", {"X": "scaled", "probabilities": answer})
    graph.initializer.append(numpy_helper.from_array(np.array(LEAST, np.float32), "least"))
    graph.node.extend(
        [
            helper.make_node("Mean", answers, ["mean"]),
            helper.make_node("Max", ["mean", "least"], ["bounded mean"]),
            helper.make_node("Log", ["bounded mean"], ["logits"]),
        ]
    )
    del graph.output[:]
    for name, dims in (("logits", classes), ("embedding", projection.n_components_)):
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dims]))
    del features.opset_import[:]
    features.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in _OPSETS.items())
    # scikit-learn's exporter also answers labels; only what leads to our two outputs stays.
    model = Extractor(features).extract_model(["input"], ["logits", "embedding"])
    del model.graph.value_info[:]
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _exported(fitted: Any, width: int) -> GraphProto:
    from skl2onnx import to_onnx

    options = {"zipmap": False} if hasattr(fitted, "classes_") else None
    model: ModelProto = to_onnx(fitted, np.zeros((1, width), np.float32), options=options, target_opset=_OPSETS)
    return model.graph


def _append(graph: GraphProto, part: GraphProto, prefix: str, names: dict[str, str]) -> None:
    """Add the nodes and weights of a part; `names` says what its inputs and outputs are in the whole."""

    def whole(name: str) -> str:
        return names.get(name, prefix + name) if name else ""

    for node in part.node:
        added = graph.node.add()
        added.CopyFrom(node)
        added.name = prefix + node.name
        added.input[:] = [whole(name) for name in node.input]
        added.output[:] = [whole(name) for name in node.output]
    for weights in part.initializer:
        graph.initializer.add().CopyFrom(weights)
        graph.initializer[-1].name = whole(weights.name)
