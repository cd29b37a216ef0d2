"""Trains image classifiers on photographs by transfer: any timm backbone, its weights from a hub, a file, or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sightloop.settings import Settings
from sightloop.trainers.timm.accelerated import accelerated
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.fitting import Fitting
from sightloop.trainers.timm.network import Network, build, build_textures
from sightloop.trainers.timm.options import Options, options
from sightloop.trainers.timm.pretrained import create
from sightloop.trainers.torch_settled import settle
from sightloop.trainers.trainer import Arrays, Fitted, Report, require_each_class
from sightloop.values.recipe import Recipe


@dataclass(frozen=True)
class TimmTrainer:
    """Head first, then the upper blocks of the backbone; keeps whichever is better on validation."""

    checkpoints: Path | None = None

    def check(self, recipe: Recipe) -> None:
        """Refuse landmarks, and options that are not there or cannot be."""
        options(recipe)

    def resuming(self, folder: Path) -> TimmTrainer:
        """The trainer that keeps each epoch in a folder, and goes on after the last one that is there."""
        return TimmTrainer(folder)

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:
        """A network fitted to `train`, its form chosen on `validation`."""
        chosen, settings = options(recipe), Settings()  # type: ignore[call-arg]  # from the environment
        require_each_class(recipe, train)
        report(done=0.0, message="loading torch and timm")
        size = (recipe.input.height, recipe.input.width)
        unrepeatable = settle(recipe.train.seed, sharing=True)
        backbones = {
            name: create(name, weights, size, report, local=settings.weights, offline=settings.offline)
            for name, weights in chosen.backbones
        }
        network = accelerated(_network(backbones, recipe, chosen))
        kept = Checkpoints(self.checkpoints)
        curves, found = Fitting.of(network, recipe, chosen, (train, validation), kept, report).run()
        report(done=0.97, message="writing the graph")
        return Fitted(
            graph=network.to_onnx(*size),
            predict=network.predict,
            epochs=len(curves),
            curves=tuple(curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(chosen) | found,
        )


def _network(backbones: dict[str, Any], recipe: Recipe, chosen: Options) -> Network:
    if chosen.embedding == "textures":
        return build_textures(backbones, len(recipe.classes), chosen.looks)
    (backbone,) = backbones.values()
    return build(backbone, len(recipe.classes), chosen.frozen, chosen.looks)


TRAINER = TimmTrainer()
