"""The forms in which detectors of others answer, and how each is read.

yolox: (N, A, 5 + classes): offsets in a grid, logarithms of sizes, objectness, probabilities; BGR, 0 to 255.
ultralytics: (N, 4 + classes, A): middle and size in pixels, probabilities; RGB, 0 to 1.
suppressed: (N, K, 6): corners in pixels, score, class, as Ultralytics exports with `nms=True`; the same pixels.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.tasks.detection import MOST, OVERLAP
from sightloop.trainers.boxes.suppression import LEAST
from sightloop.trainers.onnx import files
from sightloop.values.recipe import Input

Kind = Literal["yolox", "ultralytics", "suppressed"]
Rows = NDArray[np.float32]

STRIDES = (8, 16, 32)
# fmt: off
COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on


class Layout(NamedTuple):
    """How a file answers: its form, how many classes it knows (0: not said), and whether it takes one picture."""

    kind: Kind
    classes: int
    single: bool


def size_of(model: Any, spec: Input) -> Input:
    """The size of pictures that a model takes: its own, or that of `spec` where its file leaves it open.

    Raises BadData for a model that takes no pictures.
    """
    shape = files.shape(files.pixels(model))
    return msgspec.structs.replace(spec, height=shape[2] or spec.height, width=shape[3] or spec.width)


def layout_of(model: Any, spec: Input, wanted: str) -> Layout:
    """The form of a model's answer at a size of pictures. Raises BadData where it is none that is known."""
    given = files.pixels(model)
    single = files.shape(given)[0] == 1
    session = files.opened(model.SerializeToString())
    answer = session.run(None, {given.name: np.zeros((1, 3, spec.height, spec.width), np.float32)})[0].shape
    if len(answer) != 3:
        raise BadData("the model is no detector of a known form", expected="one table of boxes", got=str(answer))
    anchors = sum((spec.height // stride) * (spec.width // stride) for stride in STRIDES)
    kinds = {
        "suppressed": answer[2] == 6 and answer[1] != anchors,
        "yolox": answer[1] == anchors and answer[2] > 5,
        "ultralytics": answer[2] == anchors and answer[1] > 4,
    }
    found = [kind for kind, fits in kinds.items() if fits]
    if wanted != "auto":
        found = [wanted]
    if len(found) != 1:
        raise BadData(
            "the model answers in a form that is not known",
            expected=f"(N, {anchors}, 5 + classes), (N, 4 + classes, {anchors}) or (N, K, 6)",
            got=str(tuple(answer)),
        )
    classes = {"yolox": answer[2] - 5, "ultralytics": answer[1] - 4, "suppressed": 0}[found[0]]
    kind: Kind = found[0]  # type: ignore[assignment]  # one of the three, by the lines above
    return Layout(kind, max(classes, 0), single)


def grids(spec: Input) -> tuple[Rows, Rows]:
    """Column and row of each place (A, 2), and its stride (A, 1), the finest grid first, row by row."""
    places, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: spec.height // stride, : spec.width // stride]
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def names_in(told: str) -> tuple[str, ...]:
    """The classes in what Ultralytics writes beside a model: a dict of numbers and names, as Python shows it."""
    try:
        found = ast.literal_eval(told) if told else {}
    except (ValueError, SyntaxError):
        return ()
    return tuple(str(name) for _, name in sorted(found.items())) if isinstance(found, dict) else ()


def prepared(pixels: NDArray[np.uint8], layout: Layout) -> Rows:
    """One input (H, W, 3) as the file itself takes it (1, 3, H, W)."""
    light = pixels[..., ::-1].astype(np.float32) if layout.kind == "yolox" else pixels.astype(np.float32) / 255
    return np.ascontiguousarray(light.transpose(2, 0, 1)[None])


def boxes_in(answer: Rows, layout: Layout, rows: Sequence[int], spec: Input) -> Rows:
    """The boxes (K, 6) in what the file answers of one picture, suppressed by OpenCV, class by class."""
    if layout.kind == "suppressed":
        corners, scores = answer[:, :4], answer[:, 4:5] * (answer[:, 5:6] == np.array(rows))
    elif layout.kind == "yolox":
        grid, strides = grids(spec)
        middle, half = (answer[:, :2] + grid) * strides, np.exp(answer[:, 2:4]) * strides / 2
        corners, scores = (
            np.concatenate([middle - half, middle + half], axis=1),
            answer[:, 4:5] * answer[:, 5:][:, rows],
        )
    else:
        turned = answer.T
        middle, half = turned[:, :2], turned[:, 2:4] / 2
        corners, scores = np.concatenate([middle - half, middle + half], axis=1), turned[:, 4:][:, rows]
    best, kind = scores.max(axis=1), scores.argmax(axis=1)
    sure = best > LEAST
    corners, best, kind = corners[sure], best[sure], kind[sure]
    sizes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(sizes.tolist(), best.tolist(), kind.tolist(), 0.0, OVERLAP) if len(best) else []
    found = np.concatenate([corners, best[:, None], kind[:, None]], axis=1)[np.asarray(kept, int)]
    ordered = found[np.argsort(-found[:, 4], kind="stable")[:MOST]]
    return np.asarray(ordered, np.float32)
