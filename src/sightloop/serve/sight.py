"""A package opened in this process, for frames that are pixels already: for streams without a server, and videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import BadLandmarks
from sightloop.runtimes.runtime import Session
from sightloop.serve.hands import Hands
from sightloop.tasks.detection import located
from sightloop.tasks.task import Size, Task
from sightloop.values.package import Package, Sealed
from sightloop.values.prediction import Answer, Detections

USUAL_LEAST = 0.3
"""The score at which a box counts where neither the package nor anybody says."""
_WEAK = 1 / 3
_NO_BOXES = np.zeros((0, 6), np.float32)


class Finding(NamedTuple):
    """What was found in a frame: boxes (N, 6) as x1, y1, x2, y2, score, class index; or the whole frame's class."""

    boxes: NDArray[np.float32]
    label: str = ""
    score: float = 0.0


class Sight:
    """Answers frames, (height, width, 3) uint8 in RGB, with one model; threads may share it.

    For a project of landmarks `hands` opens what finds the hand in a frame.
    """

    def __init__(
        self,
        package: Sealed,
        *,
        runtime: str = "onnx",
        threads: int = 0,
        least: float = 0.0,
        hands: Callable[[], Hands] | None = None,
    ) -> None:
        self.card: Package = package.card
        self.least = least or package.card.threshold or USUAL_LEAST
        self._hands = hands() if hands is not None and package.card.input.kind == "landmarks" else None
        self._task: Task = plugins.load("tasks", package.card.task)
        self._session: Session = plugins.load("runtimes", runtime).open(package, threads=threads)

    @property
    def boxed(self) -> bool:
        """Whether answers are boxes."""
        return self._task.boxed

    def answer(self, pixels: NDArray[np.uint8]) -> Answer | Detections:
        """The answer to a frame. Raises BadInput where nothing can be answered."""
        rows, size = self._run(pixels)
        return self._task.read(rows, self.card, size)

    def read(self, content: bytes, *, max_pixels: int) -> Answer | Detections:
        """The answer to what the task takes: an image file, or a hand as `Landmarks.to_bytes` writes it.

        Raises BadInput.
        """
        inputs, size = self._task.prepare(content, self.card.input, max_pixels=max_pixels)
        return self._task.read(list(self._session.run(np.stack(inputs))[0]), self.card, size)

    def find(self, pixels: NDArray[np.uint8]) -> Finding:
        """What is found in a frame: of boxes also weak ones, of a third of `least`, since a tracker can use them."""
        try:
            rows, size = self._run(pixels)
        except BadLandmarks:  # no hand in this frame
            return Finding(_NO_BOXES)
        if self._task.boxed:
            boxes = located(rows, self.card.input, size)
            return Finding(boxes[boxes[:, 4] >= _WEAK * self.least])
        answer = self._task.read(rows, self.card, size)
        return Finding(_NO_BOXES, answer.label, answer.confidence)

    def _run(self, pixels: NDArray[np.uint8]) -> tuple[list[NDArray[np.float32]], Size]:
        if self._hands is not None:
            found = self._hands.find(pixels)
            inputs, size = self._task.prepare(found.to_bytes(), self.card.input, max_pixels=0)
        else:
            inputs, size = self._task.lay(pixels, self.card.input)
        return list(self._session.run(np.stack(inputs))[0]), size
