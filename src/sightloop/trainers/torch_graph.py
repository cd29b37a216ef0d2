"""torch's modules as ONNX graphs: the one place that says how they are exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightloop.trainers.keras.graph import quiet
from sightloop.values.package import INPUT


def exported(module: Any, shape: Sequence[int], outputs: Sequence[str]) -> bytes:
    """A module of uint8 pixels (N, *shape), any number of them, to these outputs, as a graph whose bytes repeat."""
    import torch

    example = torch.zeros((2, *shape), dtype=torch.uint8)
    with quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=[INPUT],
            output_names=list(outputs),
            verbose=False,
        )
    return bytes(program.model_proto.SerializeToString(deterministic=True))
