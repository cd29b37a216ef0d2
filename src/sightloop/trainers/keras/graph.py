"""Keras as this project uses it: loaded late on its torch backend, run without training, written as ONNX."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import MissingExtra, PackageRefused
from sightloop.trainers.keras.folding import fold
from sightloop.values.package import EMBEDDING, INPUT

OUTPUTS = ("logits", EMBEDDING)
BATCH = 256


def load_keras() -> Any:
    """The keras module on its torch backend, leaving nothing in the user's home.

    Raises MissingExtra where it is not installed, or was loaded on another backend before.
    """
    missing = [name for name in ("torch", "keras", "onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"the keras trainer needs {', '.join(missing)}", hint="Install it: pip install 'sightloop[train]'."
        )
    # Threads that spin while they wait would stall a machine that also serves; read by OpenMP when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["KERAS_BACKEND"] = "torch"
    with tempfile.TemporaryDirectory() as home:
        os.environ["KERAS_HOME"] = home
        keras = importlib.import_module("keras")
    if keras.backend.backend() != "torch":
        raise MissingExtra(
            f"keras is already running on {keras.backend.backend()}", expected="its torch backend in this process"
        )
    return keras


def predictor(model: Any) -> Callable[[NDArray[Any]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """A function from raw inputs (N, ...) to the model's own logits and embedding, in batches, without training."""
    import torch

    def predict(inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        found = []
        with torch.no_grad():
            for start in range(0, len(inputs), BATCH):
                outputs = model(inputs[start : start + BATCH], training=False)
                found.append([output.cpu().numpy() for output in outputs])
        logits, embedding = (np.concatenate(parts).astype(np.float32) for parts in zip(*found, strict=True))
        return logits, embedding

    return predict


def to_onnx(model: Any) -> bytes:
    """The graph of a Keras model with the outputs logits and embedding, its first axis dynamic, in one piece."""
    import onnx
    from onnx import compose

    model(np.zeros((1, *model.input.shape[1:]), dtype=model.input.dtype), training=False)  # Keras exports what has run
    with tempfile.TemporaryDirectory() as folder, quiet():
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", verbose=False)
        graph = onnx.load(path)
    fold(graph)
    inner = graph.graph
    if len(inner.input) != 1 or len(inner.output) != len(OUTPUTS):
        raise PackageRefused(
            "the exported graph has other inputs or outputs",
            expected="one input and two outputs",
            got=f"{len(inner.input)} and {len(inner.output)}",
        )
    names = [inner.input[0].name, *(output.name for output in inner.output)]
    wanted = (INPUT, *OUTPUTS)
    graph = compose.add_prefix(graph, "keras/")
    _rename(graph, {f"keras/{old}": new for old, new in zip(names, wanted, strict=True)})
    for value in (*graph.graph.input, *graph.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return bytes(graph.SerializeToString(deterministic=True))


def _rename(model: Any, names: dict[str, str]) -> None:
    graph = model.graph
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings, prints and log lines of Keras and its exporters away; a failure is still an exception."""
    noisy = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "absl")]
    levels = [logger.level for logger in noisy]
    for logger in noisy:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(noisy, levels, strict=True):
            logger.setLevel(level)
