"""The scikit-learn models that a recipe can choose, fitted epoch by epoch or at once, their answers averaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sightloop.values.recipe import Positive, Train

Floats = NDArray[np.float32]
Rows = tuple[Floats, NDArray[np.int64]]
Draw = Callable[[], Rows]
"""Gives the features (N, dims) and targets (N,) of one pass over the training samples, altered anew at each call."""


class Choice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which model. `members` of it, with seeds of their own, answer together: the mean of their probabilities.

    `hidden` are the widths of an mlp's layers and `decay` its L2 penalty; `cost` is logistic's C; `trees` and `leaf`
    (the least samples in one) belong to forest. A support vector machine is not among them: its probabilities leave
    scikit-learn with version 1.11.
    """

    model: Literal["mlp", "logistic", "forest"] = "mlp"
    members: Positive = 1
    hidden: Annotated[tuple[Positive, ...], Meta(min_length=1)] = (256, 128)
    decay: Annotated[float, Meta(ge=0)] = 1e-4
    cost: Annotated[float, Meta(gt=0)] = 1.0
    trees: Positive = 200
    leaf: Positive = 1


def fit(choice: Choice, train: Train, draw: Draw, classes: int) -> Iterator[tuple[list[Any], dict[str, float]]]:
    """The members after each epoch, and that epoch's numbers; models that do not learn by epochs have one.

    An mlp goes on with fresh alterations each epoch; from the middle on its members carry the mean of their weights
    since then, which lies flatter than the last ones (Izmailov et al., 2018, "Averaging weights").
    """
    if choice.model != "mlp":
        features, targets = draw()
        yield [_estimator(choice, train.seed + member).fit(features, targets) for member in range(choice.members)], {}
        return
    learners: list[_Learner] = []
    for epoch in range(train.epochs):
        features, targets = draw()
        # Made late, since scikit-learn warns of a batch that is larger than all samples.
        learners = learners or [_Learner(_mlp(choice, train, member, len(targets))) for member in range(choice.members)]
        for learner in learners:
            learner.learn(features, targets, classes, average=2 * epoch >= train.epochs)
        loss = float(np.mean([learner.estimator.loss_ for learner in learners]))
        yield [learner.averaged() for learner in learners], {"loss": loss}


def probabilities(members: list[Any], features: Floats) -> Floats:
    """The mean of the members' probabilities (N, classes)."""
    answers = [member.predict_proba(features) for member in members]
    return np.asarray(np.mean(answers, axis=0, dtype=np.float64), dtype=np.float32)


def _estimator(choice: Choice, seed: int) -> Any:
    if choice.model == "logistic":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=choice.cost, max_iter=1000, random_state=seed)
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(choice.trees, min_samples_leaf=choice.leaf, n_jobs=-1, random_state=seed)


def _mlp(choice: Choice, train: Train, member: int, rows: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        choice.hidden,
        alpha=choice.decay,
        batch_size=min(train.batch_size, rows),
        learning_rate_init=train.learning_rate,
        random_state=train.seed + member,
    )


class _Learner:
    """An mlp that learns, and the mean of the weights that it had."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.sums: list[NDArray[np.float64]] = []
        self.count = 0

    def learn(self, features: Floats, targets: NDArray[np.int64], classes: int, *, average: bool) -> None:
        """Go once through the rows, which come shuffled; scikit-learn's own shuffling works on top."""
        self.estimator.partial_fit(features, targets, classes=np.arange(classes))
        if average:
            weights = [*self.estimator.coefs_, *self.estimator.intercepts_]
            sums = self.sums or [np.zeros(weight.shape) for weight in weights]
            self.sums = [total + weight for total, weight in zip(sums, weights, strict=True)]
            self.count += 1

    def averaged(self) -> Any:
        """A copy that answers with the mean weights, or with its present ones where no mean was begun."""
        twin = copy.copy(self.estimator)
        if self.count:
            means = [(total / self.count).astype(np.float32) for total in self.sums]
            layers = len(self.estimator.coefs_)
            twin.coefs_, twin.intercepts_ = means[:layers], means[layers:]
        return twin
