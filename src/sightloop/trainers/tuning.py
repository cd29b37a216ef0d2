"""Fine-tuning: the upper part of a network and its head learn from views that are new in every epoch."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.logistic import loss
from sightloop.trainers.network import Network
from sightloop.trainers.trainer import Report
from sightloop.trainers.views import Views
from sightloop.values.recipe import Train

_SECONDS_BETWEEN_REPORTS = 0.5


@dataclass(frozen=True, eq=False)
class Held:
    """What a training is judged by: features of validation samples, and their targets."""

    features: Any
    targets: NDArray[np.int64]

    def judge(self, network: Network) -> tuple[float, float]:
        """The loss and the accuracy of a network as it is now."""
        logits = network.logits(network.embeddings(self.features))
        return loss(logits, self.targets), float((logits.argmax(axis=1) == self.targets).mean())


@dataclass(eq=False)
class Tuning:
    """One fine-tuning: who learns, from what, how, and whom it tells. `begin` and `end` are its share of the run."""

    network: Network
    views: Views
    targets: NDArray[np.int64]
    held: Held
    train: Train
    report: Report
    weights: NDArray[np.float32]
    smoothing: float
    decay: float
    dropout: float
    patience: int
    begin: float = 0.1
    end: float = 0.95
    curves: list[dict[str, float]] = field(default_factory=list)
    best: int = 0
    told: float = 0.0

    def run(self) -> None:
        """Train, and leave the network with the weights of the epoch that lost least on validation."""
        import torch

        parameters = [*self.network.upper.parameters(), *self.network.head.parameters()]
        optimiser = torch.optim.AdamW(parameters, lr=self.train.learning_rate, weight_decay=self.decay)
        steps = max(1, len(self.targets) // self.train.batch_size)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(steps, steps * self.train.epochs))
        scaler = torch.amp.GradScaler(enabled=self.network.device.type == "cuda")
        least, kept = math.inf, self.network.state()
        chance = np.random.default_rng((self.train.seed, 3))
        for epoch in range(self.train.epochs):
            order = chance.permutation(len(self.targets))
            lost = [self._step(rows, epoch, optimiser, scaler, schedule) for rows in np.array_split(order, steps)]
            judged, accuracy = self.held.judge(self.network)
            row = {"epoch": epoch + 1.0, "loss": float(np.mean(lost)), "val_loss": judged, "val_accuracy": accuracy}
            self.curves.append(row)
            self._tell(epoch + 1, row)
            if judged < least:
                least, kept, self.best = judged, self.network.state(), epoch
            elif epoch - self.best >= self.patience:
                break
        self.network.restore(kept)

    def _step(self, rows: NDArray[np.intp], epoch: int, optimiser: Any, scaler: Any, schedule: Any) -> float:
        import torch

        device = self.network.device
        features = self.network.features(self.views.draw(rows, epoch * len(self.targets) + int(rows[0])))
        targets = torch.from_numpy(self.targets[rows]).to(device)
        self.network.upper.train()
        with torch.autocast(device.type, enabled=device.type == "cuda"):
            embedding = self.network.upper(features)
            answers = self.network.head(torch.nn.functional.dropout(embedding, self.dropout))
            lost = torch.nn.functional.cross_entropy(
                answers, targets, torch.from_numpy(self.weights).to(device), label_smoothing=self.smoothing
            )
        optimiser.zero_grad()
        scaler.scale(lost).backward()
        scaler.step(optimiser)
        scaler.update()
        schedule.step()
        if time.monotonic() - self.told > _SECONDS_BETWEEN_REPORTS:
            self._tell(epoch, {"loss": float(lost.detach())})
        return float(lost.detach())

    def _tell(self, epochs: int, numbers: dict[str, float]) -> None:
        self.told = time.monotonic()
        done = self.begin + (self.end - self.begin) * epochs / self.train.epochs
        message = f"epoch {min(epochs + 1, self.train.epochs)} of {self.train.epochs}"
        self.report(done=done, message=message, metrics=numbers)


def _rate(warm: int, steps: int) -> Any:
    """Up in a straight line through one epoch, then down along a cosine."""

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return share
