"""Trains detectors with Ultralytics' YOLO: an optional extra, under the AGPL-3.0, which says so wherever it is used."""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image
import structlog
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.settings import Settings
from sightloop.trainers.boxes import ultralytics_network
from sightloop.trainers.boxes.options import BoxOptions, found_weights, read, refuse_other_input
from sightloop.trainers.boxes.tuning import BoxTuning, Rows
from sightloop.trainers.torch_settled import settle
from sightloop.trainers.torchvision_operators import load
from sightloop.trainers.trainer import Fitted, Pictures, Report
from sightloop.values import table
from sightloop.values.recipe import Recipe

LICENCE = "AGPL-3.0"
WARNING = (
    "Ultralytics YOLO is under the AGPL-3.0: who offers a service with it, or with a model that it trained, must offer "
    "the source of the whole. The trainer libreyolo (MIT) asks for nothing of the kind"
)
_CODE = "reading the weights {} runs code in the file; use only files that you trust"

_log = structlog.get_logger()


class Options(BoxOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `[train.options]` of a recipe may say to the yolo trainer; documented in docs/trainers.md."""

    weights: str = "yolo11n.pt"


class Yolo:
    """Trains a YOLO on crops; keeps the mean weights that are best on validation, on whole pictures."""

    def check(self, recipe: Recipe) -> None:
        """Refuse other tasks, sizes that the network cannot take, and options that are not there or cannot be."""
        read(recipe, Options)

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:
        """A YOLO fitted to crops of `train`, its weights chosen on `validation`. Raises NotReady without weights."""
        chosen, settings = read(recipe, Options), Settings()  # type: ignore[call-arg]  # from the environment
        weights = found_weights(
            chosen.weights, settings.weights, "https://github.com/ultralytics/assets/releases has yolo11n.pt."
        )
        report(done=0.0, message=WARNING)
        load_ultralytics()
        _log.warning(_CODE.format(weights.name))
        unrepeatable = settle(recipe.train.seed)
        model = ultralytics_network.build(weights, recipe.classes, chosen.start)
        learner = ultralytics_network.learner(model)
        tuning = BoxTuning.of(learner, _predict, recipe, chosen, (train, validation), report)
        best = tuning.run().model
        report(done=0.97, message="writing the graph")
        return Fitted(
            graph=ultralytics_network.to_onnx(best, recipe.input.height, recipe.input.width),
            predict=lambda inputs: ultralytics_network.predict(best, inputs),
            epochs=len(tuning.curves),
            curves=tuple(tuning.curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(chosen) | {"best_epoch": tuning.best + 1},
            licence=LICENCE,
        )


class FileOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file, and which of its classes each class of the recipe is, where the names differ."""

    path: str
    start: dict[str, str] = {}


class YoloFile:
    """The trainer of Ultralytics' files that are ready; it trains nothing. Its options are `FileOptions`."""

    def check(self, recipe: Recipe) -> None:
        """Refuse other tasks and options, and a file that is not there."""
        refuse_other_input(recipe)
        path = Path(_file(recipe).path)
        if not path.is_file():
            raise BadRecipe(f"there is no file {path}", expected="a file of Ultralytics, .pt")

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:  # noqa: ARG002
        """The detector in the file; reading it runs code in it, which is said loudly."""
        told, path = _file(recipe), Path(_file(recipe).path)
        report(done=0.0, message=f"{WARNING}. {_CODE.format(path.name)}")
        load_ultralytics()
        _log.warning(_CODE.format(path.name))
        start = {label: told.start.get(label, label) for label in recipe.classes}
        model = ultralytics_network.build(path, recipe.classes, start)
        return Fitted(
            graph=ultralytics_network.to_onnx(model, recipe.input.height, recipe.input.width),
            predict=lambda inputs: ultralytics_network.predict(model, inputs),
            epochs=0,
            parameters={"imported": path.name},
            licence=LICENCE,
        )


def _file(recipe: Recipe) -> FileOptions:
    return table.read(recipe.train.options, FileOptions, f"the recipe of {recipe.name}", "train.options")


def _predict(learner: Any, inputs: NDArray[np.uint8]) -> tuple[list[Rows], Rows]:
    return ultralytics_network.predict(learner.model, inputs)


def load_ultralytics() -> Any:
    """The ultralytics module, kept from installing anything and from calling home. Raises MissingExtra."""
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_OFFLINE"] = "true"  # no look at a server, no events
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / "sightloop-ultralytics"))
    Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)
    opening = PIL.Image.open
    module = load("ultralytics", "yolo", "torch", "torchvision", "ultralytics", "onnx", "onnxscript", "pycocotools")
    module.settings.update({"sync": False})
    importlib.import_module("ultralytics.utils.patches")
    PIL.Image.open = opening  # the patches put one of their own there, for the whole process
    _log.warning(WARNING)
    return module


TRAINER = Yolo()
FILE = YoloFile()
