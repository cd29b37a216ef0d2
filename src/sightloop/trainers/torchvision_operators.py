"""What torchvision lacks beside a CPU torch: stand-ins for its compiled operators, so that it can be imported at all.

Its wheel is built for CUDA; beside a CPU build of torch the compiled part does not load, and the import of torchvision,
and of timm with it, fails. With a CUDA build of torch nothing is done here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import MissingExtra

_DEFINED: list[Any] = []  # a torch library is unregistered when it is collected


def load_timm() -> Any:
    """The timm module, with torchvision made importable first. Raises MissingExtra where one of them is missing."""
    return load("timm", "train", "torch", "torchvision", "timm", "onnx", "onnxscript", "safetensors")


def load_libreyolo() -> Any:
    """The libreyolo module, with torchvision made importable first. Raises MissingExtra."""
    return load("libreyolo", "detect", "torch", "torchvision", "libreyolo", "onnx", "onnxscript", "pycocotools")


def load(name: str, extra: str, *needed: str) -> Any:
    """A module that needs torchvision. Raises MissingExtra where one of those that it needs is missing."""
    missing = [one for one in needed if importlib.util.find_spec(one) is None]
    if missing:
        raise MissingExtra(
            f"the {name} trainer needs {', '.join(missing)}", hint=f"Install it: pip install 'sightloop[{extra}]'."
        )
    # Threads that spin while they wait would stall a machine that also serves; read by OpenMP when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    complete()
    return importlib.import_module(name)


def complete() -> None:
    """Define torchvision's operators where its compiled ones cannot be loaded; harmless when called again."""
    import torch

    if torch.version.cuda is not None or _DEFINED:
        return
    make: Any = torch.library.Library
    library = make("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

    def suppress(boxes: Any, scores: Any, threshold: float) -> Any:
        return torch.from_numpy(suppressed(boxes.numpy(), scores.numpy(), threshold))

    for name in ("nms", "qnms"):
        library.impl(name, suppress, "CPU")
    _DEFINED.append(library)
    extension: Any = importlib.import_module("torchvision.extension")
    extension._has_ops = lambda: True


def suppressed(boxes: NDArray[Any], scores: NDArray[Any], threshold: float) -> NDArray[np.int64]:
    """The boxes (N, 4: x1, y1, x2, y2) kept by non-maximum suppression, the best first; greedy, as torchvision's is."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores, kind="stable")
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[rest, :2]), np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        order = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return np.array(kept, dtype=np.int64)
