"""A package opened in this process, for frames that are pixels already: for streams without a server, and videos."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.runtimes.runtime import Session
from sightloop.tasks.task import Task
from sightloop.values.image import Image
from sightloop.values.package import Package, Sealed
from sightloop.values.prediction import Answer


class Sight:
    """Answers frames with one model; threads may share it."""

    def __init__(self, package: Sealed, *, threads: int = 0) -> None:
        self.card: Package = package.card
        self._task: Task = plugins.load("tasks", package.card.task)
        self._session: Session = plugins.load("runtimes", "onnx").open(package, threads=threads)

    def answer(self, pixels: NDArray[np.uint8]) -> Answer:
        """The answer to a frame, (height, width, 3) uint8 in RGB. Raises BadInput where nothing can be answered."""
        prepared = self.prepare(pixels)
        return self._task.read(self._session.run(prepared[None])[0][0], self.card)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """The frame as the graph's input."""
        spec = self.card.input
        return Image(pixels).resized(spec.height, spec.width)
