"""Fits a network to photographs: a linear head on the backbone's embeddings, and then, perhaps, its upper blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.trainers.timm import discriminant, logistic
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.linear import Linear
from sightloop.trainers.timm.network import Network
from sightloop.trainers.timm.options import Options
from sightloop.trainers.timm.tuning import Held, Manner, Tuning
from sightloop.trainers.timm.views import Views
from sightloop.trainers.trainer import Arrays, Report
from sightloop.values.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Fitting:
    """What one fitting is given: who learns, from what, judged by what, and whom it tells."""

    network: Network
    recipe: Recipe
    chosen: Options
    views: Views
    targets: NDArray[np.int64]
    held: Held
    checkpoints: Checkpoints
    report: Report

    @classmethod
    def of(
        cls,
        network: Network,
        recipe: Recipe,
        chosen: Options,
        data: tuple[Arrays, Arrays],
        checkpoints: Checkpoints,
        report: Report,
    ) -> Fitting:
        """A fitting to the training samples, the first of `data`, judged by validation, the second."""
        train, validation = data
        padded = recipe.input.fit == "pad"
        views = Views(train.inputs, chosen.changes, recipe.train.seed, green=chosen.green, padded=padded)
        held = _held(network, recipe, chosen, validation)
        return cls(network, recipe, chosen, views, train.targets, held, checkpoints, report)

    def run(self) -> tuple[list[dict[str, float]], dict[str, Any]]:
        """Train the network in place; the curves, and what was found on the way."""
        kind = "discriminant" if self.chosen.head == "discriminant" else "logistic"
        self.report(done=0.04, message="fitting the head to the backbone's embeddings")
        first = self._discriminant() if kind == "discriminant" else self._logistic()
        self.network.take(first)
        before, accuracy = self.held.judge(self.network)
        start = {"epoch": 0.0, "val_loss": before, "val_accuracy": accuracy}
        self.report(done=0.1, message=f"the {kind} head is fitted", metrics=start)
        found: dict[str, Any] = {"cut_out": self.views.cut} if self.chosen.green else {}
        found |= {f"{kind}_{name}": number for name, number in first.found.items()}
        found |= {f"{kind}_validation_accuracy": accuracy, "kept": kind}
        if not self.chosen.tuned:
            return [start], found
        frozen, lost = self.network.state(), self.held.calibrated(self.network)
        tuning = self._tuning()
        tuning.run()
        found["tuned_validation_accuracy"] = self.held.judge(self.network)[1]
        if self.chosen.head == "auto" and self.held.calibrated(self.network) > lost:
            self.network.restore(frozen)
        else:
            found["kept"] = "tuned"
        return [start, *tuning.curves], found

    def _logistic(self) -> Linear:
        plain = self.network.embeddings([self.network.features(self.views.plain)])
        embeddings, targets = np.concatenate([plain, *self._changed()]), np.tile(self.targets, 1 + self.chosen.copies)
        judged = (self.network.embeddings(self.held.looked), self.held.targets)
        return logistic.fit(embeddings, targets, judged, balanced=self.chosen.balanced)

    def _discriminant(self) -> Linear:
        looked = [self.network.embeddings([look]) for look in self.network.look(self.views.plain)]
        copies, seen = np.stack([*looked, *self._changed()]), np.asarray(np.mean(looked, axis=0), np.float32)
        classes, parts = len(self.recipe.classes), self.network.parts
        return discriminant.fit(copies, seen, self.targets, classes, balanced=self.chosen.balanced, parts=parts)

    def _changed(self) -> list[NDArray[np.float32]]:
        """The embeddings (N, dims) of changed copies of the photographs."""
        rows, copies = np.arange(len(self.targets)), range(1, self.chosen.copies + 1)
        return [self.network.embeddings([self.network.features(self.views.draw(rows, -turn))]) for turn in copies]

    def _tuning(self) -> Tuning:
        weights = np.ones(len(self.recipe.classes), np.float32)
        if self.chosen.balanced:
            counts = np.bincount(self.targets, minlength=len(weights))
            weights = (len(self.targets) / (len(weights) * counts)).astype(np.float32)
        manner = Manner(
            weights=weights,
            smoothing=self.chosen.label_smoothing,
            decay=self.chosen.weight_decay,
            dropout=self.chosen.dropout,
            mixing=self.chosen.mixing,
            patience=self.chosen.patience,
        )
        given = (self.network, self.views, self.targets, self.held)
        return Tuning(*given, self.recipe.train, manner, self.checkpoints, self.report)


def _held(network: Network, recipe: Recipe, chosen: Options, validation: Arrays) -> Held:
    """Validation as it is; with green backgrounds also before others, since that is what the model must hold on."""
    seen, targets = validation.inputs, validation.targets
    if chosen.green:
        padded = recipe.input.fit == "pad"
        views = Views(validation.inputs, chosen.changes, recipe.train.seed + 1, green=True, padded=padded)
        rows = np.arange(len(targets))
        seen = np.concatenate([seen, *(views.draw(rows, turn, kept=0) for turn in range(2))])
        targets = np.tile(targets, 3)
    return Held(network.look(seen), targets)
