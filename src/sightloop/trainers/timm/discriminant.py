"""A linear head from the means of the classes and one covariance that all share: of few samples it learns the most.

Linear discriminant analysis (Fisher, 1936), its covariance shrunk towards a multiple of the identity (Friedman, 1989).
What differs between changed copies of one photograph is in that covariance too, and so counts little in an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.calibration import fit_any_temperature
from sightloop.trainers.timm.linear import Linear, loss

_SHRINKAGES = (0.5, 0.3, 0.2, 0.1, 0.05, 0.03)
_FOLDS = 5
_LEAST = 1e-6
_STEADY = 0.1
"""Numbers that vary less than this part of what most do are not made to vary as much: it would be mostly rounding."""

Floats = NDArray[np.float32]


def fit(
    copies: Floats,
    seen: Floats,
    targets: NDArray[np.int64],
    classes: int,
    *,
    balanced: bool,
    parts: tuple[int, ...] = (),
) -> Linear:
    """The head for photographs of which `copies` (C, N, dims) are embedded, and `seen` (N, dims) as in an answer.

    `parts` are the sizes of those that an embedding is put together from: each counts alike, however large it is.
    How far the covariance is shrunk, and how sure the answers are (a temperature, taken into the layer), is chosen on
    folds: each photograph is answered by a head that has seen no copy of it. Each class needs a photograph.
    """
    fold = _folds(targets)
    held = {shrinkage: np.zeros((len(targets), classes), np.float32) for shrinkage in _SHRINKAGES}
    for number in range(int(fold.max()) + 1):
        out = fold == number
        moments = _Moments.of(copies[:, ~out], targets[~out], classes, parts, balanced=balanced)
        for shrinkage, logits in held.items():
            logits[out] = moments.head(shrinkage).logits(seen[out])
    whole, asked = _Moments.of(copies, targets, classes, parts, balanced=balanced), fold >= 0
    if not asked.any():
        return whole.head(_SHRINKAGES[0])
    temperatures = {each: fit_any_temperature(logits[asked], targets[asked]) for each, logits in held.items()}
    lost = {each: loss(held[each][asked] / np.float32(temperatures[each]), targets[asked]) for each in _SHRINKAGES}
    best = min(_SHRINKAGES, key=lambda each: lost[each])
    head, cooler = whole.head(best), np.float32(temperatures[best])
    right = float((held[best][asked].argmax(axis=1) == targets[asked]).mean())
    found = {"shrinkage": best, "temperature": float(cooler), "folds_loss": lost[best], "folds_accuracy": right}
    return Linear(head.weight / cooler, head.bias / cooler, found)


def _folds(targets: NDArray[np.int64]) -> NDArray[np.intp]:
    """The fold of each photograph, even over the classes; -1, in none, for the only one of its class."""
    fold = np.full(len(targets), -1)
    for kind in np.unique(targets):
        rows = np.flatnonzero(targets == kind)
        if len(rows) > 1:
            fold[rows] = np.arange(len(rows)) % _FOLDS
    return fold


def _weights(parts: tuple[int, ...]) -> NDArray[np.float64]:
    """For each number of an embedding (dims,): less, the larger its part is; 1 in a part of the mean size."""
    sizes = np.array(parts, np.float64)
    return np.repeat(np.sqrt(sizes.mean() / sizes), parts)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Means of the classes (K, dims), and how the rows (N, dims) lie around them, of scaled embeddings.

    `products` is the covariance (dims, dims), or of fewer rows than dims their products (N, N) over N, which have the
    same eigenvalues but zeros.
    """

    middle: NDArray[np.float64]
    scale: NDArray[np.float64]
    means: NDArray[np.float64]
    rows: NDArray[np.float64]
    products: NDArray[np.float64]
    priors: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        copies: Floats,
        targets: NDArray[np.int64],
        classes: int,
        parts: tuple[int, ...] = (),
        *,
        balanced: bool,
    ) -> _Moments:
        """The moments of embeddings (C, N, dims) that are put together from parts of these sizes."""
        rows, kinds = copies.reshape(-1, copies.shape[2]).astype(np.float64), np.tile(targets, len(copies))
        middle, scale = rows.mean(axis=0), rows.std(axis=0)
        scale = np.maximum(scale, max(_STEADY * float(np.median(scale)), _LEAST)) / _weights(parts or (rows.shape[1],))
        rows = (rows - middle) / scale
        means = np.stack([rows[kinds == kind].mean(axis=0) for kind in range(classes)])
        rows -= means[kinds]
        products = (rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows) / len(rows)
        counts = np.bincount(targets, minlength=classes)
        priors = np.zeros(classes) if balanced else np.log(counts / counts.sum())
        return cls(middle, scale, means, rows, products, priors)

    def head(self, shrinkage: float) -> Linear:
        """The linear layer of a covariance that is this far shrunk to the identity times its mean eigenvalue."""
        spread = max(float(np.trace(self.products)) / self.means.shape[1], _LEAST)
        weight = self._whitened(1 - shrinkage, shrinkage * spread)
        bias = self.priors - 0.5 * (weight * self.means).sum(axis=1)
        weight = weight / self.scale
        return Linear(weight.astype(np.float32), (bias - weight @ self.middle).astype(np.float32))

    def _whitened(self, kept: float, added: float) -> NDArray[np.float64]:
        """The means times the inverse of the shrunk covariance; of few rows by the identity of Woodbury (1950)."""
        shrunk = kept * self.products
        shrunk[np.diag_indices(len(shrunk))] += added
        if len(self.products) == self.means.shape[1]:
            return np.asarray(np.linalg.solve(shrunk, self.means.T).T, np.float64)
        within = np.linalg.solve(shrunk, self.rows @ self.means.T).T @ self.rows
        return np.asarray((self.means - kept / len(self.rows) * within) / added, np.float64)
