"""A detector to measure with: YOLOX-nano as it was published, at any input size, as a package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks.detection import prepared
from sightloop.trainers.boxes import yolox
from sightloop.trainers.boxes.suppression import suppressing
from sightloop.trainers.packaging import golden_file, sealed
from sightloop.trainers.torchvision_operators import load_libreyolo
from sightloop.values.package import DETECTIONS, GOLDEN, GRAPH, Package, Parity, Sealed
from sightloop.values.recipe import Input
from sightloop.values.sample import digest_of

CLASSES = ("person", "sports ball")


def nano(weights: Path, clip: Path, height: int, width: int) -> Sealed:
    """YOLOX-nano's COCO weights for people and balls; `clip` shows it what pictures are like."""
    spec = Input(kind="image", height=height, width=width)
    pictures = np.stack([prepared(pixels, spec).inputs[0] for pixels in frames(clip)[::40]])
    load_libreyolo()
    import torch

    example = torch.from_numpy(pictures.transpose(0, 3, 1, 2)[:, ::-1].copy()).float()
    network = yolox.build("n", weights, CLASSES, {name: name for name in CLASSES}, example)
    graph = suppressing(yolox.to_onnx(network, height, width))
    card = Package(
        project="football",
        task="detection",
        classes=CLASSES,
        input=spec,
        trainer="yolox-nano, published weights",
        embedding=0,
        temperature=1.0,
        parity=Parity(samples=0, max_difference=0.0, limit=0.005),
        files={GRAPH: digest_of(graph), GOLDEN: digest_of(b"")},
        threshold=0.25,
        answer=DETECTIONS,
    )
    answers, embeddings = RUNTIME.open(Sealed(card, graph, b""), threads=1).run(pictures[:2])
    return sealed(card, graph, golden_file(card, pictures[:2], answers, embeddings))


def frames(clip: Path) -> list[NDArray[np.uint8]]:
    """All frames of a short clip, as RGB."""
    with av.open(str(clip)) as container:
        decoded: Iterator[Any] = container.decode(video=0)
        return [frame.to_ndarray(format="rgb24") for frame in decoded]
