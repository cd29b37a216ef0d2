"""Fine-tuning of a detector on crops: the mean of its weights over time is what is kept, where it is best."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.tasks import precision
from sightloop.trainers.boxes.crops import Crop, Crops
from sightloop.trainers.boxes.detectors import laid_out
from sightloop.trainers.boxes.options import BoxOptions
from sightloop.trainers.trainer import Pictures, Report
from sightloop.values.recipe import Recipe, Train

Rows = NDArray[np.float32]
Predict = Callable[[Any, NDArray[np.uint8]], tuple[list[Rows], Rows]]
"""A network and inputs to the boxes (K, 6) of each, and the embeddings."""

_SECONDS_BETWEEN_REPORTS = 0.5
_STEEPEST = 10.0  # the largest norm of a step's gradient
_REMEMBERED = 0.998  # of the mean weights, from one step to the next


@dataclass(eq=False)
class BoxTuning:
    """One fine-tuning. `judge` gives a network's mAP50 and mAP on validation; `begin`, `end` are its share."""

    network: Any
    crops: Crops
    each_epoch: int
    judge: Callable[[Any], tuple[float, float]]
    train: Train
    report: Report
    decay: float
    patience: int
    begin: float = 0.05
    end: float = 0.95
    curves: list[dict[str, float]] = field(default_factory=list)
    best: int = -1
    told: float = 0.0

    @classmethod
    def of(
        cls,
        network: Any,
        predict: Predict,
        recipe: Recipe,
        chosen: BoxOptions,
        sides: tuple[Pictures, Pictures],
        report: Report,
    ) -> BoxTuning:
        """The fine-tuning a recipe asks for: on crops of the first side, judged on whole pictures of the second."""
        train, validation = sides
        inputs, truth = laid_out(validation, recipe.input)

        def judge(averaged: Any) -> tuple[float, float]:
            found, _ = predict(averaged, inputs)
            return precision.mean(precision.match(found, truth, len(recipe.classes)))

        return cls(
            network=network,
            crops=Crops(train, chosen.crop, chosen.changes, recipe.train.seed, recipe.input),
            each_epoch=chosen.crops * len(train),
            judge=judge,
            train=recipe.train,
            report=report,
            decay=chosen.weight_decay,
            patience=chosen.patience,
        )

    def run(self) -> Any:
        """Train; the network with the mean weights of the epoch that was best on validation."""
        import torch

        self.network.to(memory_format=torch.channels_last)  # up to half as long on a CPU
        optimiser = torch.optim.AdamW(_grouped(self.network, self.decay), lr=self.train.learning_rate)
        steps = max(1, self.each_epoch // self.train.batch_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(steps, steps * self.train.epochs))
        averaged = copy.deepcopy(self.network).eval()
        kept, (best, _) = copy.deepcopy(averaged.state_dict()), self.judge(averaged)
        for epoch in range(self.train.epochs):
            lost = []
            for step in range(steps):
                lost.append(self._step(optimiser))
                schedule.step()
                _follow(averaged, self.network, epoch * steps + step)
                self._tell(epoch + step / steps, {"loss": lost[-1]})
            map50, mean = self.judge(averaged)
            self.curves.append(
                {"epoch": epoch + 1.0, "loss": float(np.mean(lost)), "val_map50": map50, "val_map": mean}
            )
            self._tell(epoch + 1, self.curves[-1], now=True)
            if map50 > best:
                best, kept, self.best = map50, copy.deepcopy(averaged.state_dict()), epoch
            elif epoch - self.best >= self.patience:
                break
        averaged.load_state_dict(kept)
        return averaged

    def _step(self, optimiser: Any) -> float:
        import torch

        crops = self.crops.draw(self.train.batch_size)
        pixels, targets = as_tensors(crops)
        device = next(self.network.parameters()).device
        self.network.train()
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        lost = self.network(pixels.to(device), targets.to(device))["total_loss"]
        optimiser.zero_grad()
        lost.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), _STEEPEST)
        optimiser.step()
        return float(lost.detach())

    def _tell(self, epochs: float, numbers: dict[str, float], *, now: bool = False) -> None:
        if not now and time.monotonic() - self.told < _SECONDS_BETWEEN_REPORTS:
            return
        self.told = time.monotonic()
        done = self.begin + (self.end - self.begin) * epochs / self.train.epochs
        message = f"epoch {min(math.ceil(epochs), self.train.epochs)} of {self.train.epochs}"
        self.report(done=done, message=message, metrics=numbers)


def as_tensors(crops: list[Crop]) -> tuple[Any, Any]:
    """Pixels (N, 3, S, S: blue, green, red, 0 to 255), and targets (N, most, 5): class, middle, size; zeros fill up."""
    import torch

    pixels = torch.from_numpy(np.stack([crop.pixels for crop in crops])).permute(0, 3, 1, 2).flip(1).float()
    most = max(1, *(len(crop.boxes) for crop in crops))
    targets: NDArray[np.float32] = np.zeros((len(crops), most, 5), np.float32)
    for row, crop in zip(targets, crops, strict=True):
        low, high = crop.boxes[:, :2], crop.boxes[:, 2:4]
        row[: len(crop.boxes)] = np.concatenate([crop.boxes[:, 4:], (low + high) / 2, high - low], axis=1)
    return pixels, torch.from_numpy(targets)


def _grouped(network: Any, decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and the numbers of normalisations do not."""
    parameters = list(network.parameters())
    return [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]


def _follow(averaged: Any, network: Any, step: int) -> None:
    """Move the mean weights towards those of now: quickly at first, while they are what the training began with."""
    import torch

    share = min(_REMEMBERED, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, now in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.mul_(share).add_(now, alpha=1 - share)
            else:
                mean.copy_(now)


def _rate(warm: int, steps: int) -> Callable[[int], float]:
    """Up in a straight line through one epoch, then down along a cosine, to a fiftieth."""

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.02 + 0.49 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return share
