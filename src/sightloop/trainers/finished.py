"""A package's graph as bytes: checked, and the same bytes for the same model."""

from __future__ import annotations

from typing import Any

from sightloop.errors import PackageRefused


def finished(model: Any) -> bytes:
    """The ONNX model serialised, without what exporters note of the machine. Raises PackageRefused if it is invalid."""
    from onnx import checker, shape_inference

    strip(model)
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise PackageRefused(f"the trainer's graph is not valid: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def strip(model: Any) -> None:
    """Drop what exporters note about the machine and the source, so that bytes tell of the model alone."""
    model.producer_name, model.producer_version, model.doc_string = "sightloop", "", ""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        if part is not model:
            part.doc_string = ""
