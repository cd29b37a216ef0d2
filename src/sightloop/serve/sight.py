"""A package opened in this process, for frames that are pixels already: for streams without a server, and videos."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.runtimes.runtime import Session
from sightloop.tasks.task import Task
from sightloop.values.image import Image
from sightloop.values.package import Package, Sealed
from sightloop.values.prediction import Answer

NO_BOXES = np.zeros((0, 6), np.float32)


class Finding(NamedTuple):
    """What was found in a frame: boxes (N, 6) as x1, y1, x2, y2, score, class index; or the whole frame's class."""

    boxes: NDArray[np.float32]
    label: str = ""
    score: float = 0.0


class Sight:
    """Answers frames, (height, width, 3) uint8 in RGB, with one model; threads may share it."""

    def __init__(self, package: Sealed, *, threads: int = 0, least: float = 0.0) -> None:
        self.card: Package = package.card
        self.least = least
        self._task: Task = plugins.load("tasks", package.card.task)
        self._session: Session = plugins.load("runtimes", "onnx").open(package, threads=threads)

    @property
    def boxed(self) -> bool:
        """Whether answers are boxes."""
        return False

    def answer(self, pixels: NDArray[np.uint8]) -> Answer:
        """The answer to a frame. Raises BadInput where nothing can be answered."""
        return self._task.read(self._session.run(self._prepared(pixels)[None])[0][0], self.card)

    def find(self, pixels: NDArray[np.uint8]) -> Finding:
        """What is found in a frame."""
        answer = self.answer(pixels)
        return Finding(NO_BOXES, answer.label, answer.confidence)

    def _prepared(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        spec = self.card.input
        return Image(pixels).resized(spec.height, spec.width)
