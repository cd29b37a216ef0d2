"""What a Keras training tells of itself, and the weights of its best epoch."""

from __future__ import annotations

import math
import time
from typing import Any

from sightloop.trainers.trainer import Report

# Loading before and exporting after take their share of the time, though not of the epochs.
LOADED, TRAINED = 0.02, 0.97
_SECONDS_BETWEEN_REPORTS = 0.5


class Progress:
    """Follows a Keras model through its epochs: reports, keeps the best weights, and stops when nothing improves.

    An epoch is better than another by its loss on validation. What `report` raises ends the training.
    """

    def __init__(self, model: Any, epochs: int, steps: int, patience: int, report: Report) -> None:
        self.curves: list[dict[str, float]] = []
        self.best = 0
        self.weights = _weights(model)
        self._model, self._epochs, self._steps, self._patience, self._report = model, epochs, steps, patience, report
        self._loss = math.inf
        self._told = 0.0

    def step(self, step: int, logs: dict[str, Any]) -> None:
        """Keras calls this after each batch."""
        if time.monotonic() - self._told > _SECONDS_BETWEEN_REPORTS:
            self._tell(len(self.curves) + (step + 1) / self._steps, logs)

    def epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Keras calls this after each epoch, with the numbers of training and (`val_`) validation."""
        self.curves.append({"epoch": float(epoch + 1)} | {name: float(value) for name, value in logs.items()})
        if logs["val_loss"] < self._loss:
            self._loss, self.best, self.weights = logs["val_loss"], epoch, _weights(self._model)
        elif epoch - self.best >= self._patience:
            self._model.stop_training = True
        self._tell(len(self.curves), logs)

    def _tell(self, epochs: float, logs: dict[str, Any]) -> None:
        done = LOADED + (TRAINED - LOADED) * min(1.0, epochs / self._epochs)
        numbers = {name: float(value) for name, value in logs.items()}
        self._told = time.monotonic()
        self._report(done=done, message=f"epoch {math.ceil(epochs)} of {self._epochs}", metrics=numbers)


def _weights(model: Any) -> dict[str, Any]:
    # By way of torch: Keras' own get_weights warns under NumPy 2.
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
