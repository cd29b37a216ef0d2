"""Trains detectors with libreyolo (MIT): YOLOX, from weights that were published for COCO or from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from sightloop.errors import BadData
from sightloop.settings import Settings
from sightloop.trainers.boxes import yolox
from sightloop.trainers.boxes.detectors import laid_out
from sightloop.trainers.boxes.options import BoxOptions, found_weights, read
from sightloop.trainers.boxes.tuning import BoxTuning
from sightloop.trainers.torch_settled import settle
from sightloop.trainers.torchvision_operators import load_libreyolo
from sightloop.trainers.trainer import Fitted, Pictures, Report
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
        read(recipe, Options)

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:
        """A YOLOX fitted to crops of `train`, its weights chosen on `validation`. Raises NotReady without weights."""
        chosen, settings = read(recipe, Options), Settings()  # type: ignore[call-arg]  # from the environment
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
        network.head.use_l1 = True  # as in the last part of YOLOX's own schedule, when crops are as pictures are
        tuning = BoxTuning.of(network, yolox.predict, recipe, chosen, (train, validation), report)
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
