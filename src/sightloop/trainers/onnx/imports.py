"""Takes in a classifier that is ready: an ONNX file of pixels to logits or probabilities.

The trainer `onnx-classifier` trains nothing; the file is put behind raw pixels, calibrated, compared with itself as it
is, and judged as any other model. Nothing in an ONNX file is code that is run here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from sightloop.errors import BadRecipe
from sightloop.trainers.onnx import classifiers, files
from sightloop.trainers.onnx.classifiers import Channels
from sightloop.trainers.trainer import Arrays, Fitted, Report
from sightloop.values import table
from sightloop.values.recipe import Recipe


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file, and what it does not say of itself; documented in docs/trainers.md.

    Pixels are scaled to 0 to `high`, then `mean` is taken away and `std` divided by, for all channels or for each, in
    the order of `channels`. `answers` are looked at where nobody says what they are. `classes` is the file's order of
    the recipe's classes, where it is another one.
    """

    path: str
    channels: Channels = "rgb"
    high: Literal[1, 255]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    answers: Literal["auto", "logits", "probabilities"] = "auto"
    classes: tuple[str, ...] = ()
    licence: str = "unknown"


class OnnxClassifier:
    """The trainer of classifiers that are ready; its options are `Options`."""

    def check(self, recipe: Recipe) -> None:
        """Refuse other tasks, options that are not there or cannot be, and a file that is not there."""
        if recipe.task != "classification" or recipe.input.kind != "image":
            raise BadRecipe("an ONNX classifier takes images", expected='task = "classification"', got=recipe.task)
        options = _options(recipe)
        classifiers.scaling(options.channels, options.high, options.mean, options.std)
        if options.classes and sorted(options.classes) != sorted(recipe.classes):
            raise BadRecipe(
                "the file's classes are not the recipe's",
                expected=f"{', '.join(recipe.classes)}, in the file's order",
                got=", ".join(options.classes),
            )
        if not Path(options.path).is_file():
            raise BadRecipe(f"there is no file {options.path}", expected="an ONNX file")

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:  # noqa: ARG002
        """The model in the file; it is fitted to nothing here, and nothing is known of its training."""
        report(done=0.0, message="reading the file")
        return read(Path(_options(recipe).path), recipe, _options(recipe))


def read(path: Path, recipe: Recipe, options: Options) -> Fitted:
    """The classifier in a file, behind raw pixels; its embedding is what its last layer takes.

    Raises BadData for a file that is no ONNX or no classifier of pixels, and BadRecipe where its size, channels or
    classes are not those told.
    """
    model = files.read(path)
    factor, offset = classifiers.scaling(options.channels, options.high, options.mean, options.std)
    form = classifiers.form_of(
        model, recipe.input, len(recipe.classes), options.channels, factor, offset, options.answers
    )
    order = options.classes or recipe.classes
    rows = [order.index(label) for label in recipe.classes]
    graph = classifiers.behind_pixels(model, recipe.input, form, rows)
    return Fitted(
        graph=graph,
        predict=classifiers.Own(model, graph, form, rows),
        epochs=0,
        parameters={"imported": path.name, "answers": "probabilities" if form.probable else "logits"},
        licence=options.licence,
    )


def _options(recipe: Recipe) -> Options:
    return table.read(recipe.train.options, Options, f"the recipe of {recipe.name}", "train.options")


TRAINER = OnnxClassifier()
