"""How good answers were: the numbers of one evaluation, named as the field names them."""

from __future__ import annotations

from msgspec import Struct


class ClassScores(Struct, frozen=True, kw_only=True):
    """Precision, recall and F1 of one class, and how many samples carry it."""

    precision: float
    recall: float
    f1: float
    support: int


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

    def flat(self) -> dict[str, float]:
        """The single numbers by name, as MLflow and gates take them; classes as `recall.peace`."""
        numbers = {
            name: float(getattr(self, name)) for name in ("accuracy", "precision", "recall", "f1", "ece", "loss")
        }
        for label, scores in self.per_class.items():
            numbers |= {f"{name}.{label}": float(getattr(scores, name)) for name in ("precision", "recall", "f1")}
        return numbers
