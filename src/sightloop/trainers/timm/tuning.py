"""Fine-tuning: the upper part of a network and its head learn from views that are new in every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.calibration import fit_temperature
from sightloop.trainers.timm.averaging import Average
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.linear import loss
from sightloop.trainers.timm.network import Network, State
from sightloop.trainers.timm.views import Views
from sightloop.trainers.trainer import Report
from sightloop.values.recipe import Train

_SECONDS_BETWEEN_REPORTS = 0.5
_NAME = "tuning"


@dataclass(frozen=True, eq=False)
class Held:
    """What a training is judged by: features of validation samples, of every look at them, and their targets."""

    looked: list[Any]
    targets: NDArray[np.int64]

    def judge(self, network: Network) -> tuple[float, float]:
        """The loss and the accuracy of a network as it is now."""
        logits = network.logits(network.embeddings(self.looked))
        return loss(logits, self.targets), float((logits.argmax(axis=1) == self.targets).mean())

    def calibrated(self, network: Network) -> float:
        """The loss under the best temperature, as a package would answer: surer answers are not worse ones."""
        logits = network.logits(network.embeddings(self.looked))
        return loss(logits / np.float32(fit_temperature(logits, self.targets)), self.targets)


@dataclass(frozen=True, eq=False)
class Manner:
    """How the learning goes: the weight of each class, and what keeps a network from learning samples by heart."""

    weights: NDArray[np.float32]
    smoothing: float
    decay: float
    dropout: float
    mixing: float
    patience: int


@dataclass(eq=False)
class Tuning:
    """One fine-tuning: who learns, from what, how, and whom it tells. `begin` and `end` are its share of the run."""

    network: Network
    views: Views
    targets: NDArray[np.int64]
    held: Held
    train: Train
    manner: Manner
    checkpoints: Checkpoints
    report: Report
    begin: float = 0.1
    end: float = 0.95
    curves: list[dict[str, float]] = field(default_factory=list)
    best: int = 0
    told: float = 0.0

    def run(self) -> None:
        """Train, and leave the network with its averaged weights: the last, or with a patience the best on validation.

        What is random in an epoch depends on the seed and its number alone, so a training that goes on from a
        checkpoint ends with the same weights as one that was never killed.
        """
        import torch

        parameters = [*self.network.upper.parameters(), *self.network.head.parameters()]
        optimiser = torch.optim.AdamW(parameters, weight_decay=self.manner.decay)
        scaler = torch.amp.GradScaler(enabled=self.network.device.type == "cuda")
        average = Average(self.network)
        kept = self._taken_up(optimiser, scaler, average) or average.network.state()
        while len(self.curves) < self.train.epochs and not self._impatient():
            self._epoch(len(self.curves), optimiser, scaler, average)
            if not self.manner.patience or self.best == len(self.curves) - 1:
                kept = average.network.state()
            self._leave(optimiser, scaler, average, kept)
        self.network.restore(kept)

    def _epoch(self, epoch: int, optimiser: Any, scaler: Any, average: Average) -> None:
        import torch

        torch.manual_seed(self.train.seed + 7919 * epoch)  # dropout draws from it
        steps, lost = self._steps, []
        for step, (rows, features) in enumerate(self._batches(epoch)):
            for group in optimiser.param_groups:
                group["lr"] = self.train.learning_rate * _share(epoch * steps + step, steps, steps * self.train.epochs)
            lost.append(
                self._step(rows, features, optimiser, scaler, np.random.default_rng((self.train.seed, 4, epoch, step)))
            )
            average.add(self.network)
            if time.monotonic() - self.told > _SECONDS_BETWEEN_REPORTS:
                self._tell(epoch + (step + 1) / steps, {"loss": lost[-1]})
        judged, accuracy = self.held.judge(average.network)
        row = {"epoch": epoch + 1.0, "loss": float(np.mean(lost)), "val_loss": judged, "val_accuracy": accuracy}
        self.curves.append(row)
        self.best = min(range(len(self.curves)), key=lambda at: self.curves[at]["val_loss"])
        self._tell(epoch + 1, row)

    @property
    def _steps(self) -> int:
        return max(1, len(self.targets) // self.train.batch_size)

    def _batches(self, epoch: int) -> Iterator[tuple[NDArray[np.intp], Any]]:
        """Rows and their features, the next ones drawn while these are learned from."""
        order = np.random.default_rng((self.train.seed, 3, epoch)).permutation(len(self.targets))
        batches = np.array_split(order, self._steps)
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._features, batches[0], epoch)
            for rows, after in zip(batches, [*batches[1:], None], strict=True):
                features = coming.result()
                if after is not None:
                    coming = ahead.submit(self._features, after, epoch)
                yield rows, features

    def _features(self, rows: NDArray[np.intp], epoch: int) -> Any:
        return self.network.features(self.views.draw(rows, epoch * len(self.targets) + int(rows[0])))

    def _step(
        self, rows: NDArray[np.intp], features: Any, optimiser: Any, scaler: Any, chance: np.random.Generator
    ) -> float:
        import torch

        device = self.network.device
        weights = torch.from_numpy(self.manner.weights).to(device)
        targets = torch.nn.functional.one_hot(torch.from_numpy(self.targets[rows]), len(weights)).float().to(device)
        if self.manner.mixing:
            share = float(chance.beta(self.manner.mixing, self.manner.mixing))
            others = torch.from_numpy(chance.permutation(len(rows))).to(device)
            features = share * features + (1 - share) * features[others]
            targets = share * targets + (1 - share) * targets[others]
        self.network.upper.train()
        with torch.autocast(device.type, enabled=device.type == "cuda"):
            embedding = self.network.upper(features)
            answers = self.network.head(torch.nn.functional.dropout(embedding, self.manner.dropout))
            lost = torch.nn.functional.cross_entropy(answers, targets * weights, label_smoothing=self.manner.smoothing)
        optimiser.zero_grad()
        scaler.scale(lost).backward()
        scaler.step(optimiser)
        scaler.update()
        return float(lost.detach())

    def _impatient(self) -> bool:
        return 0 < self.manner.patience < len(self.curves) - self.best

    def _taken_up(self, optimiser: Any, scaler: Any, average: Average) -> State | None:
        """Go on where a killed training left off; the weights that it would have kept."""
        left = self.checkpoints.load(_NAME)
        if left is None:
            return None
        self.network.restore(left["network"])
        average.restore(left["average"], left["steps"])
        optimiser.load_state_dict(left["optimiser"])
        scaler.load_state_dict(left["scaler"])
        self.curves[:], self.best = left["curves"], left["best"]
        self._tell(len(self.curves), {}, f"going on after epoch {len(self.curves)}, where it was cut off")
        kept: State = left["kept"]
        return kept

    def _leave(self, optimiser: Any, scaler: Any, average: Average, kept: State) -> None:
        state = {
            "network": self.network.state(),
            "average": average.network.state(),
            "steps": average.steps,
            "optimiser": optimiser.state_dict(),
            "scaler": scaler.state_dict(),
            "curves": self.curves,
            "best": self.best,
            "kept": kept,
        }
        self.checkpoints.save(_NAME, state)

    def _tell(self, epochs: float, numbers: dict[str, float], message: str = "") -> None:
        self.told = time.monotonic()
        done = self.begin + (self.end - self.begin) * epochs / self.train.epochs
        message = message or f"epoch {min(math.ceil(epochs), self.train.epochs)} of {self.train.epochs}"
        self.report(done=done, message=message, metrics=numbers)


def _share(step: int, warm: int, steps: int) -> float:
    """Of the learning rate: up in a straight line through one epoch, then down along a cosine."""
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
