"""How good answers were: the numbers of one evaluation, named as the field names them."""

from __future__ import annotations

import math

from msgspec import Struct

_SURE = 1.959964
"""So many standard deviations to either side hold 95 % of a normal distribution."""


class ClassScores(Struct, frozen=True, kw_only=True):
    """Precision, recall and F1 of one class, and how many samples carry it."""

    precision: float
    recall: float
    f1: float
    support: int


class BoxScores(Struct, frozen=True, kw_only=True):
    """Average precision of one class, and its precision and recall at a score of 0.25; `support` counts true boxes.

    `ap50` asks for an overlap (intersection over union) of 0.5; `ap` is the mean for 0.5, 0.55, ... 0.95.
    """

    ap50: float
    ap: float
    precision: float
    recall: float
    support: int


class DetectionScores(Struct, frozen=True, kw_only=True):
    """Scores of a detector on samples with boxes, as COCO defines them (Lin et al., 2014).

    `map50` and `map` are the means of the classes' `ap50` and `ap`, `precision` and `recall` those of theirs, of the
    classes that have a true box.
    """

    samples: int
    map50: float
    map: float
    precision: float
    recall: float
    per_class: dict[str, BoxScores]

    def flat(self) -> dict[str, float]:
        """The single numbers by name, as MLflow and gates take them; classes as `ap50.ball`."""
        numbers = {name: float(getattr(self, name)) for name in ("map50", "map", "precision", "recall")}
        for label, scores in self.per_class.items():
            numbers |= {
                f"{name}.{label}": float(getattr(scores, name)) for name in ("ap50", "ap", "precision", "recall")
            }
        return numbers


class Bin(Struct, frozen=True, kw_only=True):
    """The answers of about one confidence: how many, how sure they were on average, what share of them was right."""

    samples: int
    confidence: float
    accuracy: float


class Scores(Struct, frozen=True, kw_only=True):
    """Scores of a classifier on labelled samples.

    `precision`, `recall` and `f1` are macro averages; `loss` is the mean log loss; `ece` the expected calibration error
    in 15 bins of equal width (Guo et al., 2017); `confusion[i][j]` counts samples of class i answered as class j.
    """

    samples: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    ece: float
    loss: float
    per_class: dict[str, ClassScores]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, from how many samples there are (Wilson's score interval, 1927)."""
        share = _SURE**2 / self.samples
        middle = self.accuracy + share / 2
        reach = math.sqrt(share * self.accuracy * (1 - self.accuracy) + share**2 / 4)
        return (middle - reach) / (1 + share), (middle + reach) / (1 + share)

    def flat(self) -> dict[str, float]:
        """The single numbers by name, as MLflow and gates take them; classes as `recall.peace`."""
        numbers = {
            name: float(getattr(self, name)) for name in ("accuracy", "precision", "recall", "f1", "ece", "loss")
        }
        for label, scores in self.per_class.items():
            numbers |= {f"{name}.{label}": float(getattr(scores, name)) for name in ("precision", "recall", "f1")}
        return numbers
