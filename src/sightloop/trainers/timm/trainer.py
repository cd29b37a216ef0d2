"""Trains image classifiers on photographs by transfer: any timm backbone, its weights from a hub, a file, or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.settings import Settings
from sightloop.trainers.timm.accelerated import accelerated
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.logistic import Linear, fit
from sightloop.trainers.timm.network import Network, build, build_textures, settle
from sightloop.trainers.timm.photographs import Changes
from sightloop.trainers.timm.pretrained import create
from sightloop.trainers.timm.tuning import Held, Manner, Tuning
from sightloop.trainers.timm.views import Views
from sightloop.trainers.trainer import Arrays, Fitted, Report, require_each_class
from sightloop.values.recipe import Recipe
from sightloop.values.table import read

Share = Annotated[float, Meta(ge=0, lt=1)]


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `[train.options]` of a recipe may say to the timm trainer; documented in docs/trainers.md."""

    backbone: str = "mobilenetv2_100"
    weights: str = "hub"
    embedding: Literal["last", "textures"] = "last"
    head: Literal["auto", "logistic", "tuned"] = "auto"
    copies: Annotated[int, Meta(ge=0)] = 4
    frozen: Annotated[int, Meta(ge=0)] = 4
    looks: Literal[1, 2, 4] = 1
    background: Literal["kept", "green"] = "kept"
    class_weights: Literal["balanced", "none"] = "balanced"
    dropout: Share = 0.2
    label_smoothing: Share = 0.0
    mixing: Annotated[float, Meta(ge=0)] = 0.0
    weight_decay: Annotated[float, Meta(ge=0)] = 0.02
    patience: Annotated[int, Meta(ge=0)] = 0
    changes: Changes = Changes()


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
        unrepeatable = settle(recipe.train.seed)
        backbone = create(
            chosen.backbone, chosen.weights, size, report, local=settings.weights, offline=settings.offline
        )
        network = accelerated(_network(backbone, recipe, chosen))
        curves, found = _fitted(network, recipe, chosen, train, validation, Checkpoints(self.checkpoints), report)
        report(done=0.97, message="writing the graph")
        return Fitted(
            graph=network.to_onnx(*size),
            predict=network.predict,
            epochs=len(curves),
            curves=tuple(curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(chosen) | found,
        )


def _network(backbone: Any, recipe: Recipe, chosen: Options) -> Network:
    if chosen.embedding == "textures":
        return build_textures(backbone, chosen.backbone, len(recipe.classes), chosen.looks)
    return build(backbone, len(recipe.classes), chosen.frozen, chosen.looks)


def _fitted(
    network: Network,
    recipe: Recipe,
    chosen: Options,
    train: Arrays,
    validation: Arrays,
    checkpoints: Checkpoints,
    report: Report,
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """Train the network in place; the curves, and what was found on the way."""
    green = chosen.background == "green"
    views = Views(train.inputs, chosen.changes, recipe.train.seed, green=green)
    found: dict[str, Any] = {"cut_out": views.cut} if green else {}
    held = _held(network, recipe, chosen, validation)
    report(done=0.04, message="fitting the head to the backbone's embeddings")
    first = _head(network, views, train.targets, held, chosen.copies, balanced=chosen.class_weights == "balanced")
    _put(network, first)
    before, accuracy = held.judge(network)
    start = {"epoch": 0.0, "val_loss": before, "val_accuracy": accuracy}
    report(done=0.1, message="the logistic head is fitted", metrics=start)
    found |= {"logistic_strength": first.strength, "logistic_validation_accuracy": accuracy, "kept": "logistic"}
    if chosen.head == "logistic" or chosen.embedding == "textures":
        return [start], found
    frozen, lost = network.state(), held.calibrated(network)
    tuning = _tuning(network, recipe, chosen, views, train.targets, held, checkpoints, report)
    tuning.run()
    found["tuned_validation_accuracy"] = held.judge(network)[1]
    if chosen.head == "auto" and held.calibrated(network) > lost:
        network.restore(frozen)
    else:
        found["kept"] = "tuned"
    return [start, *tuning.curves], found


def _held(network: Network, recipe: Recipe, chosen: Options, validation: Arrays) -> Held:
    """Validation as it is; with green backgrounds also before others, since that is what the model must hold on."""
    seen, targets = validation.inputs, validation.targets
    if chosen.background == "green":
        views = Views(validation.inputs, chosen.changes, recipe.train.seed + 1, green=True)
        rows = np.arange(len(targets))
        seen = np.concatenate([seen, *(views.draw(rows, turn, kept=0) for turn in range(2))])
        targets = np.tile(targets, 3)
    return Held(network.look(seen), targets)


def _head(
    network: Network, views: Views, targets: NDArray[np.int64], held: Held, copies: int, *, balanced: bool
) -> Linear:
    rows = np.arange(len(targets))
    seen = [views.plain, *(views.draw(rows, -turn) for turn in range(1, copies + 1))]
    embeddings = np.concatenate([network.embeddings([network.features(part)]) for part in seen])
    judged = (network.embeddings(held.looked), held.targets)
    return fit(embeddings, np.tile(targets, len(seen)), judged, balanced=balanced)


def _put(network: Network, head: Linear) -> None:
    import torch

    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.weight))
        network.head.bias.copy_(torch.from_numpy(head.bias))


def _tuning(
    network: Network,
    recipe: Recipe,
    chosen: Options,
    views: Views,
    targets: NDArray[np.int64],
    held: Held,
    checkpoints: Checkpoints,
    report: Report,
) -> Tuning:
    weights = np.ones(len(recipe.classes), np.float32)
    if chosen.class_weights == "balanced":
        counts = np.bincount(targets, minlength=len(recipe.classes))
        weights = (len(targets) / (len(recipe.classes) * counts)).astype(np.float32)
    manner = Manner(
        weights=weights,
        smoothing=chosen.label_smoothing,
        decay=chosen.weight_decay,
        dropout=chosen.dropout,
        mixing=chosen.mixing,
        patience=chosen.patience,
    )
    return Tuning(network, views, targets, held, recipe.train, manner, checkpoints, report)


def options(recipe: Recipe) -> Options:
    """The checked `train.options` of a recipe. Raises BadRecipe."""
    if recipe.input.kind != "image":
        raise BadRecipe("the timm trainer takes images", expected='input.kind = "image"', got=recipe.input.kind)
    chosen = read(recipe.train.options, Options, recipe.name, "train.options")
    if chosen.embedding == "textures" and chosen.head == "tuned":
        raise BadRecipe(
            f"{recipe.name}: [train.options]: of textures only the head learns",
            expected='head = "logistic"',
            got="tuned",
        )
    return chosen


TRAINER = TimmTrainer()
