"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sightloop.errors import PackageRefused
from sightloop.runtimes.runtime import EXACT
from sightloop.values.package import EMBEDDING, INPUT, Sealed

_FATAL_ONLY = 4


class OnnxSession:
    """An open graph. It may be called from many threads at once; ONNX Runtime lets go of the GIL while it computes."""

    tolerance = EXACT

    def __init__(self, graph: bytes, answer: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin between requests win a few microseconds and cost an idle server whole cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Every error is raised to the caller, who says it once.
        options.log_severity_level = _FATAL_ONLY
        self._outputs = [answer, EMBEDDING]
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._refuse_other_names()

    def run(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The answers (N, ...) and embeddings (N, dims) of raw inputs (N, ...)."""
        answers, embedding = self._session.run(self._outputs, {INPUT: inputs})
        return answers, embedding

    def _refuse_other_names(self) -> None:
        inputs = [value.name for value in self._session.get_inputs()]
        outputs = {value.name for value in self._session.get_outputs()}
        if inputs != [INPUT] or not outputs.issuperset(self._outputs):
            raise PackageRefused(
                "the graph does not have a package's input and outputs",
                expected=f"{INPUT} -> {', '.join(self._outputs)}",
                got=f"{', '.join(inputs)} -> {', '.join(sorted(outputs))}",
            )


class OnnxRuntime:
    """Opens packages with ONNX Runtime, on the CPU."""

    def open(self, package: Sealed, *, threads: int = 0) -> OnnxSession:
        """The package's graph, loaded; 0 threads means one per core. Raises PackageRefused for what is no graph."""
        try:
            return OnnxSession(package.graph, package.card.answer, threads)
        except PackageRefused:
            raise
        except Exception as error:  # ONNX Runtime raises many kinds, with no class of its own above them
            raise PackageRefused("ONNX Runtime cannot load the package's graph", got=str(error)[:300]) from error


RUNTIME = OnnxRuntime()
