"""Answers by the shape of the hand in a picture, as far as one is surely found, and else by the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.calibration import fit_temperature
from sightloop.trainers.hands.shapes import distances, stretched
from sightloop.trainers.timm import logistic
from sightloop.trainers.timm.linear import Linear
from sightloop.trainers.trainer import Arrays

_NO_HAND, _SURE = 0.35, 0.65  # below, the network answers alone; above, the hand's shape does; between, both
_COPIES = 8
_BATCH = 32

Floats = NDArray[np.float32]


@dataclass(eq=False)
class Handed:
    """`finder` finds a hand, `head` has logits for the distances of its points, `temperature` is the network's."""

    finder: Any
    head: Linear
    temperature: float
    found: dict[str, float]

    def module(self) -> Any:
        """A torch module: pixels (N, height, width, 3) and the network's logits (N, classes) to logits."""
        import torch

        class Weighing(torch.nn.Module):
            def __init__(self, handed: Handed) -> None:
                super().__init__()
                self.finder, self.temperature = handed.finder, handed.temperature
                self.register_buffer("weight", torch.from_numpy(handed.head.weight))
                self.register_buffer("bias", torch.from_numpy(handed.head.bias))

            def forward(self, pixels: Any, logits: Any) -> Any:
                points, sure = self.finder(pixels)
                shape = distances(points) @ self.weight.T + self.bias
                share = ((sure - _NO_HAND) / (_SURE - _NO_HAND)).clamp(0, 1)[:, None]
                return shape * share + logits / self.temperature * (1 - share)

        return Weighing(self).eval()

    def weigh(self, inputs: NDArray[np.uint8], logits: Floats) -> Floats:
        """The logits of pictures, given the network's."""
        import torch

        weighing, parts = self.module(), []
        with torch.no_grad():
            for at in range(0, len(inputs), _BATCH):
                both = (torch.from_numpy(each[at : at + _BATCH]) for each in (inputs, logits))
                parts.append(weighing(*both).numpy())
        return np.concatenate(parts)


def fit(
    finder: Any, train: Arrays, validation: Arrays, logits: Floats, classes: int, seed: int, *, balanced: bool
) -> Handed | None:
    """Hands' shapes learned from `train`, how strictly chosen on `validation`, whose logits are the network's.

    None where too few hands are found: of each class one or more to learn from, and one to choose by.
    """
    learned, held = (_Seen.of(finder, side) for side in (train, validation))
    if len(np.unique(learned.targets)) < classes or not len(held.targets):
        return None
    chance = np.random.default_rng((seed, 3))
    copies = [learned.points, *(stretched(learned.points, chance) for _ in range(_COPIES))]
    judged = (_distances(held.points), held.targets)
    targets = np.tile(learned.targets, len(copies))
    head = logistic.fit(_distances(np.concatenate(copies)), targets, judged, balanced=balanced)
    cooler = np.float32(fit_temperature(head.logits(judged[0]), held.targets))
    return Handed(
        finder,
        Linear(head.weight / cooler, head.bias / cooler),
        fit_temperature(logits, validation.targets),
        {
            "hands_found": len(learned.targets),
            "hands_strength": head.found["strength"],
            "hands_validation_accuracy": float((head.logits(judged[0]).argmax(axis=1) == held.targets).mean()),
        },
    )


@dataclass(frozen=True, eq=False)
class _Seen:
    """The points (N, 21, 2) of the hands that were found, and the classes of their pictures."""

    points: Floats
    targets: NDArray[np.int64]

    @classmethod
    def of(cls, finder: Any, side: Arrays) -> _Seen:
        import torch

        with torch.no_grad():
            parts = [finder(torch.from_numpy(side.inputs[at : at + _BATCH])) for at in range(0, len(side), _BATCH)]
        points, sure = (torch.cat(each).numpy() for each in zip(*parts, strict=True))
        there = sure > (_NO_HAND + _SURE) / 2
        return cls(points[there], side.targets[there])


def _distances(points: Floats) -> Floats:
    import torch

    return np.asarray(distances(torch.from_numpy(points)).numpy(), np.float32)
