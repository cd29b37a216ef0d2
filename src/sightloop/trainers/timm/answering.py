"""A fitted network as it answers: it sees pictures shrunk, and hands may have the first word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm.handed import Handed
from sightloop.trainers.timm.network import Network
from sightloop.trainers.torch_graph import exported
from sightloop.trainers.trainer import Arrays
from sightloop.values.package import EMBEDDING


@dataclass(frozen=True, eq=False)
class Answering:
    """What becomes the package's graph: raw pixels (N, height, width, 3) to logits and embedding."""

    network: Network
    shrink: int = 1
    handed: Handed | None = None

    def predict(self, inputs: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The logits and embeddings of raw pixels, as torch computes them."""
        logits, embeddings = self.network.predict(shrunk(inputs, self.shrink))
        return logits if self.handed is None else self.handed.weigh(inputs, logits), embeddings

    def to_onnx(self, height: int, width: int) -> bytes:
        """All of it as one graph: uint8 pixels, any number of them, to logits and embedding."""
        import torch

        class Whole(torch.nn.Module):
            def __init__(self, answering: Answering) -> None:
                super().__init__()
                self.network, self.shrink = answering.network.module(), answering.shrink
                self.weighing = answering.handed.module() if answering.handed is not None else None

            def forward(self, pixels: Any) -> tuple[Any, Any]:
                logits, embedding = self.network(_shrunk(pixels, self.shrink))
                return logits if self.weighing is None else self.weighing(pixels, logits), embedding

        whole = Whole(self).cpu().eval()
        graph = exported(whole, (height, width, 3), ("logits", EMBEDDING))
        self.network.back()
        return graph


def smaller(data: Arrays, shrink: int) -> Arrays:
    """The samples as the network sees them."""
    return Arrays(shrunk(data.inputs, shrink), data.targets)


def shrunk(inputs: NDArray[np.uint8], shrink: int) -> NDArray[np.uint8]:
    """Pixels (N, height, width, 3) at a part of their size: the means of squares, rounded."""
    if shrink == 1:
        return inputs
    count, height, width, channels = inputs.shape
    squares = inputs.reshape(count, height // shrink, shrink, width // shrink, shrink, channels)
    means: NDArray[np.float32] = squares.mean(axis=(2, 4), dtype=np.float32)
    return np.rint(means).astype(np.uint8)


def _shrunk(pixels: Any, shrink: int) -> Any:
    """The same of a tensor, as float32 in place of uint8."""
    import torch

    if shrink == 1:
        return pixels
    means = torch.nn.functional.avg_pool2d(pixels.permute(0, 3, 1, 2).float(), shrink)
    return means.round().permute(0, 2, 3, 1)
