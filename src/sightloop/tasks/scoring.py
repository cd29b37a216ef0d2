"""How good a classifier's answers are, from its probabilities and the truth; NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.values.scores import Bin, ClassScores, Scores

BINS = 15
# A certain wrong answer would cost infinity; float32 cannot tell anything smaller from zero beside 1.
_LEAST = 1e-7

Floats = NDArray[np.float64]


def score(probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]) -> Scores:
    """The scores of answers (N, classes) against the indices of the true classes (N,). Raises BadData for no samples.

    A class that was never answered has precision 0, one that never occurs recall 0; macro averages are over all.
    """
    _check(probabilities, targets, classes)
    answers = probabilities.argmax(axis=1)
    confusion = count(answers, targets, len(classes))
    precision, recall, f1 = _by_class(confusion)
    support = confusion.sum(axis=1)
    rows = zip(classes, precision, recall, f1, support, strict=True)
    return Scores(
        samples=len(targets),
        accuracy=float((answers == targets).mean()),
        precision=float(precision.mean()),
        recall=float(recall.mean()),
        f1=float(f1.mean()),
        ece=calibration_error(probabilities, targets),
        loss=log_loss(probabilities, targets),
        per_class={
            label: ClassScores(precision=float(p), recall=float(r), f1=float(f), support=int(n))
            for label, p, r, f, n in rows
        },
        confusion=tuple(tuple(int(number) for number in row) for row in confusion),
    )


def count(answers: NDArray[np.int64], targets: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """The confusion matrix (classes, classes): row the true class, column the answered one."""
    return np.bincount(targets * classes + answers, minlength=classes * classes).reshape(classes, classes)


def log_loss(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The mean of -log of the probability that each true class was given."""
    given = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return float(-np.log(np.clip(given, _LEAST, 1)).mean())


def calibration_error(probabilities: NDArray[np.float32], targets: NDArray[np.int64], bins: int = BINS) -> float:
    """The expected calibration error, 0 to 1, in bins of equal width (Guo et al., 2017, "On calibration").

    Per bin of confidence: how far the mean confidence is from the share of right answers, weighted by the bin's size.
    """
    found = reliability(probabilities, targets, bins)
    return sum(one.samples * abs(one.accuracy - one.confidence) for one in found) / len(targets)


def reliability(probabilities: NDArray[np.float32], targets: NDArray[np.int64], bins: int = BINS) -> list[Bin]:
    """The answers in bins of equal width by their confidence, the least sure first; empty bins are left out."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == targets).astype(np.float64)
    # Bins are open below and closed above, as in the paper, so that a confidence of 1 is in the last one.
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts, sure, hits = (np.bincount(place, weights=what, minlength=bins) for what in (None, confidence, right))
    return [
        Bin(samples=int(count), confidence=float(one / count), accuracy=float(hit / count))
        for count, one, hit in zip(counts, sure, hits, strict=True)
        if count
    ]


def _by_class(confusion: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    hits = confusion.diagonal().astype(np.float64)
    precision = _ratio(hits, confusion.sum(axis=0))
    recall = _ratio(hits, confusion.sum(axis=1))
    return precision, recall, _ratio(2 * precision * recall, precision + recall)


def _ratio(above: Floats, below: NDArray[np.int64] | Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _check(probabilities: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]) -> None:
    if len(targets) == 0:
        raise BadData("there are no samples to score on", hint="Label more, or give the split a larger share.")
    if probabilities.shape != (len(targets), len(classes)):
        raise BadData(
            "answers and truth do not fit together",
            expected=f"shape {(len(targets), len(classes))}",
            got=str(probabilities.shape),
        )
