"""Trains detectors with libreyolo (MIT): YOLOX, from weights that were published for COCO or from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from sightloop.errors import BadData
from sightloop.settings import Settings
from sightloop.tasks import precision
from sightloop.trainers.boxes import yolox
from sightloop.trainers.boxes.crops import Crops
from sightloop.trainers.boxes.detectors import laid_out
from sightloop.trainers.boxes.options import BoxOptions, found_weights, refuse_other_input
from sightloop.trainers.boxes.tuning import BoxTuning
from sightloop.trainers.timm.network import settle
from sightloop.trainers.torchvision_operators import load_libreyolo
from sightloop.trainers.trainer import Fitted, Pictures, Report
from sightloop.values import table
from sightloop.values.recipe import Recipe

LICENCE = "Apache-2.0"
"""Of YOLOX's weights; libreyolo itself, MIT, is not in the package."""
_EXAMPLES = 8  # pictures from which the batch normalisation is made again


class Options(BoxOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `[train.options]` of a recipe may say to the libreyolo trainer; documented in docs/trainers.md."""

    size: Literal["n", "t", "s", "m", "l", "x"] = "n"
    weights: str = "yolox_nano.onnx"


class LibreYolo:
    """Trains YOLOX on crops; keeps the mean weights that are best on validation, on whole pictures."""

    def check(self, recipe: Recipe) -> None:
        """Refuse other tasks, sizes that the network cannot take, and options that are not there or cannot be."""
        options(recipe)

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:
        """A YOLOX fitted to crops of `train`, its weights chosen on `validation`. Raises NotReady without weights."""
        chosen, settings = options(recipe), Settings()  # type: ignore[call-arg]  # from the environment
        _refuse_empty(train)
        report(done=0.0, message="loading torch and libreyolo")
        load_libreyolo()
        unrepeatable = settle(recipe.train.seed)
        network = yolox.build(
            chosen.size,
            _weights(chosen.weights, settings.weights),
            recipe.classes,
            chosen.start,
            _example(recipe, train),
        )
        tuning = _tuning(network, recipe, chosen, train, validation, report)
        best = tuning.run()
        report(done=0.97, message="writing the graph")
        return Fitted(
            graph=yolox.to_onnx(best, recipe.input.height, recipe.input.width),
            predict=lambda inputs: yolox.predict(best, inputs),
            epochs=len(tuning.curves),
            curves=tuple(tuning.curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(chosen) | {"best_epoch": tuning.best + 1},
            licence=LICENCE,
        )


def _tuning(
    network: Any, recipe: Recipe, chosen: Options, train: Pictures, validation: Pictures, report: Report
) -> BoxTuning:
    inputs, truth = laid_out(validation, recipe.input)

    def judge(averaged: Any) -> tuple[float, float]:
        found, _ = yolox.predict(averaged, inputs)
        return precision.mean(precision.match(found, truth, len(recipe.classes)))

    network.head.use_l1 = True  # as in the last part of YOLOX's own schedule, when crops are as pictures are
    return BoxTuning(
        network=network,
        crops=Crops(train, chosen.crop, chosen.changes, recipe.train.seed, recipe.input),
        each_epoch=chosen.crops * len(train),
        judge=judge,
        train=recipe.train,
        report=report,
        decay=chosen.weight_decay,
        patience=chosen.patience,
    )


def options(recipe: Recipe) -> Options:
    """The checked `train.options` of a recipe. Raises BadRecipe."""
    refuse_other_input(recipe)
    return table.read(recipe.train.options, Options, f"the recipe of {recipe.name}", "train.options")


def _refuse_empty(train: Pictures) -> None:
    if not any(len(boxes) for boxes in train.boxes):
        raise BadData("there is not one box to train on", hint="Label some pictures with boxes.")


def _weights(name: str, local: Path | None) -> Path | None:
    if name == "none":
        return None
    return found_weights(name, local, "https://github.com/Megvii-BaseDetection/YOLOX/releases has yolox_nano.onnx.")


def _example(recipe: Recipe, train: Pictures) -> Any:
    some = Pictures(train.contents[:_EXAMPLES], train.boxes[:_EXAMPLES])
    inputs, _ = laid_out(some, recipe.input)
    return yolox.given(inputs)


TRAINER = LibreYolo()
