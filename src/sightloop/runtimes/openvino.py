"""OpenVINO on the CPU: in float32, or quicker in bfloat16 where the processor counts in it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from sightloop.errors import PackageRefused
from sightloop.runtimes.runtime import EXACT, NEAR
from sightloop.values.package import EMBEDDING, INPUT, Sealed


class OpenVinoSession:
    """An open graph. It may be called from many threads at once, each of which gets requests of its own."""

    def __init__(self, graph: bytes, answer: str, threads: int, precision: str) -> None:
        core = openvino.Core()
        model = core.read_model(graph)
        self._outputs = (answer, EMBEDDING)
        _refuse_other_names(model, self._outputs)
        near = precision == "bf16" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.tolerance = NEAR if near else EXACT
        given = {"INFERENCE_PRECISION_HINT": "bf16" if near else "f32", "PERFORMANCE_HINT": "LATENCY"}
        self._model: Any = core.compile_model(
            model, "CPU", given | ({"INFERENCE_NUM_THREADS": threads} if threads else {})
        )
        self._own = threading.local()

    def run(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The answers (N, ...) and embeddings (N, dims) of raw inputs (N, ...)."""
        if not hasattr(self._own, "request"):
            self._own.request = self._model.create_infer_request()
        found = self._own.request.infer({INPUT: inputs})
        # What is found lies in memory that the next request overwrites.
        answers, embedding = (np.array(found[name], np.float32) for name in self._outputs)
        return answers, embedding


def _refuse_other_names(model: Any, wanted: tuple[str, ...]) -> None:
    inputs, outputs = ([port.any_name for port in ports] for ports in (model.inputs, model.outputs))
    if inputs != [INPUT] or not set(outputs).issuperset(wanted):
        raise PackageRefused(
            "the graph does not have a package's input and outputs",
            expected=f"{INPUT} -> {', '.join(wanted)}",
            got=f"{', '.join(inputs)} -> {', '.join(sorted(outputs))}",
        )


class OpenVinoRuntime:
    """Opens packages with OpenVINO, on the CPU."""

    def __init__(self, precision: str) -> None:
        self._precision = precision

    def open(self, package: Sealed, *, threads: int = 0) -> OpenVinoSession:
        """The package's graph, loaded; 0 threads means one per core. Raises PackageRefused for what is no graph."""
        try:
            return OpenVinoSession(package.graph, package.card.answer, threads, self._precision)
        except PackageRefused:
            raise
        except Exception as error:  # OpenVINO raises RuntimeError, and its own kinds of it
            raise PackageRefused("OpenVINO cannot load the package's graph", got=str(error)[:300]) from error


RUNTIME = OpenVinoRuntime("f32")
NEARLY = OpenVinoRuntime("bf16")
