"""Trains image classifiers on photographs by transfer: any timm backbone, its weights from a hub, a file, or none."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sightloop.errors import MissingExtra, NotReady
from sightloop.settings import Settings
from sightloop.trainers.hands.fetching import fetch, there
from sightloop.trainers.hands.finder import finder
from sightloop.trainers.timm.accelerated import accelerated
from sightloop.trainers.timm.answering import Answering, smaller
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.fitting import Fitting
from sightloop.trainers.timm.handed import fit
from sightloop.trainers.timm.network import Network, build, build_surfaces
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
        size = (recipe.input.height // chosen.shrink, recipe.input.width // chosen.shrink)
        unrepeatable = settle(recipe.train.seed, sharing=True)
        backbones = {
            name: create(name, weights, size, report, local=settings.weights, offline=settings.offline)
            for name, weights in chosen.backbones
        }
        network = accelerated(_network(backbones, recipe, chosen))
        kept = Checkpoints(self.checkpoints)
        sides = (smaller(train, chosen.shrink), smaller(validation, chosen.shrink))
        curves, found = Fitting.of(network, recipe, chosen, sides, kept, report).run()
        answering = Answering(network, chosen.shrink)
        if chosen.hands:
            answering, hands = _with_hands(answering, recipe, (train, validation), settings, report)
            found |= hands
        report(done=0.97, message="writing the graph")
        return Fitted(
            graph=answering.to_onnx(recipe.input.height, recipe.input.width),
            predict=answering.predict,
            epochs=len(curves),
            curves=tuple(curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(chosen) | found,
        )


def _network(backbones: dict[str, Any], recipe: Recipe, chosen: Options) -> Network:
    if chosen.embedding == "surfaces":
        return build_surfaces(backbones, len(recipe.classes), chosen.looks)
    (backbone,) = backbones.values()
    return build(backbone, len(recipe.classes), chosen.frozen, chosen.looks)


def _with_hands(
    answering: Answering, recipe: Recipe, sides: tuple[Arrays, Arrays], settings: Settings, report: Report
) -> tuple[Answering, dict[str, Any]]:
    """The same, by hands first, and what was found; where there are none to be had, the same, and that is said."""
    report(done=0.9, message="looking for hands")
    try:
        if not there(settings.hands):
            fetch(settings.hands, wheel=None, offline=settings.offline)
        find = finder(settings.hands)
    except (NotReady, MissingExtra) as error:
        report(done=0.9, message=f"WITHOUT hands, though the recipe asks for them: {error}")
        return answering, {"hands_found": "not looked for"}
    settle(recipe.train.seed)  # nothing runs beside torch any more
    train, validation = sides
    logits, _ = answering.predict(validation.inputs)
    given = (train, validation, logits, len(recipe.classes), recipe.train.seed)
    handed = fit(find, *given, balanced=options(recipe).balanced)
    if handed is None:
        report(done=0.9, message="WITHOUT hands: too few were found in the pictures")
        return answering, {"hands_found": "too few"}
    return dataclasses.replace(answering, handed=handed), handed.found


TRAINER = TimmTrainer()
