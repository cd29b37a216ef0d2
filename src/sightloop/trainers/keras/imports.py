"""Takes in a classifier that Keras saved elsewhere: a `.keras` file, or a legacy `.h5` one.

The trainer `keras-file` trains nothing: what is in the file is checked, calibrated and judged as any other model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sightloop.errors import BadData, BadRecipe
from sightloop.trainers.keras import convolution
from sightloop.trainers.keras.graph import load_keras, predictor, quiet, to_onnx
from sightloop.trainers.trainer import Arrays, Fitted, Report
from sightloop.values import table
from sightloop.values.recipe import Recipe

SUFFIXES = (".keras", ".h5", ".hdf5")
_LEAST = 1e-7


class Scaling(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the saved model expects of its pixels: numbers up to `high`, grey or RGB; `invert` and `stretch` as trained.

    A file does not say this of itself, and a wrong guess gives wrong answers in silence, so a person says it.
    """

    channels: Literal["rgb", "grey"]
    high: Literal[1, 255]
    invert: bool = False
    stretch: bool = False


class Options(Scaling, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file, and what its model expects of its pixels."""

    path: str


class KerasFile:
    """The trainer of models that are ready; its options are `Options`."""

    def check(self, recipe: Recipe) -> None:
        """Refuse landmarks, options that are not there, and a file that is not there."""
        if recipe.input.kind != "image":
            raise BadRecipe("a Keras file takes images", expected='input.kind = "image"', got=recipe.input.kind)
        path = Path(_options(recipe).path)
        if not path.is_file():
            raise BadRecipe(f"there is no file {path}", expected=f"a file that ends in {', '.join(SUFFIXES)}")

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:  # noqa: ARG002
        """The model in the file; it is fitted to nothing here, and nothing is known of its training."""
        report(done=0.0, message="loading Keras")
        options = _options(recipe)
        return read(Path(options.path), recipe, options)


def _options(recipe: Recipe) -> Options:
    return table.read(recipe.train.options, Options, recipe.name, "train.options")


def read(path: Path, recipe: Recipe, scaling: Scaling) -> Fitted:
    """The classifier in a file, behind the recipe's raw input; its embedding is what its last dense layer takes.

    Code inside the file (Lambda layers) is never run. Raises BadData for a file that cannot be read safely, and for a
    model that is no classifier of the recipe's classes and size.
    """
    keras = load_keras()
    saved = _load(keras, path)
    last, is_softmax = _last_dense(keras, saved)
    if last.units != len(recipe.classes):
        raise BadData(
            f"{path.name} has another number of classes", expected=str(len(recipe.classes)), got=str(last.units)
        )
    both = keras.Model(saved.inputs, [saved.outputs[0], keras.layers.Flatten(name="sightloop_embedding")(last.input)])
    pixels = keras.Input(recipe.input.shape, dtype="uint8", name="input")
    options = convolution.Options(channels=scaling.channels, invert=scaling.invert, stretch=scaling.stretch)
    light = convolution.normalised(keras, pixels, options) * float(scaling.high)
    answer, embedding = both(_fitting(keras, light, saved.inputs[0].shape[1:], path))
    if is_softmax:  # log-probabilities are logits: softmax gives the probabilities back
        answer = keras.ops.log(keras.ops.maximum(answer, _LEAST))
    model = keras.Model(pixels, [answer, embedding])
    return Fitted(
        graph=to_onnx(model),
        predict=predictor(model),
        epochs=0,
        parameters={"imported": path.name, "weights": model.count_params()},
    )


def _load(keras: Any, path: Path) -> Any:
    if path.suffix not in SUFFIXES or not path.is_file():
        raise BadData(f"{path} is no saved Keras model", expected=f"a file that ends in {', '.join(SUFFIXES)}")
    try:
        with quiet():
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras and h5py raise many kinds, with no class of their own above them
        raise BadData(
            f"{path.name} cannot be loaded",
            got=str(error).strip()[:300],
            hint="A model with Lambda layers or own classes carries code, which is not run; save it without them.",
        ) from error
    if not isinstance(model, keras.Sequential | keras.Model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise BadData(f"{path.name} is no classifier", expected="one input and one output")
    return model


def _last_dense(keras: Any, model: Any) -> tuple[Any, bool]:
    """The last dense layer, and whether what comes out of the model is softmax already."""
    layers = model.layers
    position = max((at for at, layer in enumerate(layers) if isinstance(layer, keras.layers.Dense)), default=-1)
    if position < 0:
        raise BadData("the saved model has no dense layer at its end", expected="a classifier")
    last, rest = layers[position], layers[position + 1 :]
    if any(not isinstance(layer, keras.layers.Softmax | keras.layers.Activation) for layer in rest):
        names = ", ".join(type(layer).__name__ for layer in rest)
        raise BadData("layers follow the last dense one", expected="at most a softmax", got=names)
    kinds = [_activation(last), *(_activation(layer) for layer in rest)]
    applied = [kind for kind in kinds if kind != "linear"]
    if applied not in ([], ["softmax"]):
        raise BadData("the saved model ends otherwise", expected="softmax, or none", got=", ".join(applied))
    return last, bool(applied)


def _activation(layer: Any) -> str:
    activation = getattr(layer, "activation", None)
    return "softmax" if activation is None else str(activation.__name__)


def _fitting(keras: Any, light: Any, shape: tuple[int | None, ...], path: Path) -> Any:
    """The pixels (N, height, width, channels) in the shape that the saved model takes: as they are, grey or flat."""
    have = tuple(int(length) for length in light.shape[1:])
    flat = have[0] * have[1] * have[2]
    wanted = tuple(length or own for length, own in zip(shape, have, strict=False))
    if wanted not in (have, have[:2], (flat,)) or (wanted == have[:2] and have[2] != 1):
        raise BadData(
            f"{path.name} takes another input",
            expected=f"{have}, as the recipe's size and the channels told",
            got=str(shape),
        )
    return light if wanted == have else keras.ops.reshape(light, (-1, *wanted))


TRAINER = KerasFile()
