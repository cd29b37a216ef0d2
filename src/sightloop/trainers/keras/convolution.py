"""The convolutional network of the keras trainer: raw pixels in, logits and an embedding out, whatever the size."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from sightloop.trainers.keras.augmentation import Changes
from sightloop.values.recipe import Recipe

# The luma weights of ITU-R BT.601, by which OpenCV and Pillow turn RGB into grey.
_LUMA = (0.299, 0.587, 0.114)
_SMALL_ENOUGH = 4
# From here up, halving may leave out the last row or column: that spares a copy of all features for their padding.
_LARGE_ENOUGH = 8


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `[train.options]` of a recipe may say to the keras trainer; documented in docs/trainers.md."""

    channels: Literal["rgb", "grey"] = "rgb"
    invert: bool = False
    stretch: bool = False
    width: Annotated[int, Meta(ge=4, le=256)] = 32
    embedding: Annotated[int, Meta(ge=2, le=1024)] = 96
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    label_smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[float, Meta(ge=0)] = 0.01
    patience: Annotated[int, Meta(ge=1)] = 5
    least_steps: Annotated[int, Meta(ge=1)] = 150
    changes: Changes = Changes()


def build(keras: Any, recipe: Recipe, options: Options) -> Any:
    """A Keras model from uint8 RGB (N, height, width, 3) to logits (N, classes) and embedding (N, options.embedding).

    Convolutions of 3 x 3, halved by strides until at most 4 x 4 cells are left, with batch normalisation (momentum
    0.9, since runs are short); the embedding is the layer before the last.
    """
    layers = keras.layers
    pixels = keras.Input(recipe.input.shape, dtype="uint8", name="input")
    features = _block(keras, normalised(keras, pixels, options), options.width, kernel=5, strides=2)
    filters = options.width
    while max(features.shape[1:3]) > _SMALL_ENOUGH:
        features = _block(keras, features, filters)
        filters = min(filters + options.width, 6 * options.width)
        features = _block(keras, features, filters, strides=2)
    flat = layers.Flatten()(features)
    dense = layers.Dense(options.embedding, use_bias=False)(flat)
    embedding = layers.ReLU(name="embedding")(layers.BatchNormalization(momentum=0.9)(dense))
    logits = layers.Dense(len(recipe.classes), name="logits")(layers.Dropout(options.dropout)(embedding))
    return keras.Model(pixels, [logits, embedding])


def normalised(keras: Any, pixels: Any, options: Options) -> Any:
    """What every image goes through before the first convolution, in training and in serving: numbers from 0 to 1.

    `grey` mixes the channels; `stretch` makes the darkest cell 0 and the brightest 1; `invert` turns an image with a
    bright border over, so that black on white reads as white on black.
    """
    ops = keras.ops
    light = ops.cast(pixels, "float32")
    light = ops.matmul(light, _luma()) if options.channels == "grey" else light / 255.0
    if options.stretch:
        low, high = (reduce(light, axis=(1, 2, 3), keepdims=True) for reduce in (ops.amin, ops.amax))
        light = (light - low) / ops.maximum(high - low, 1 / 16)  # a nearly even image is not blown up to noise
    if options.invert:
        rims = [light[:, 0], light[:, -1], light[:, :, 0], light[:, :, -1]]
        brightness = ops.mean(ops.concatenate(rims, axis=1), axis=(1, 2))
        bright = ops.cast(brightness > 0.5, "float32")[:, None, None, None]
        light = bright + (1 - 2 * bright) * light
    return light


def _luma() -> NDArray[np.float32]:
    return np.array([_LUMA], dtype=np.float32).T / np.float32(255)


def _block(keras: Any, features: Any, filters: int, *, kernel: int = 3, strides: int = 1) -> Any:
    layers = keras.layers
    padding = "valid" if strides > 1 and min(features.shape[1:3]) >= _LARGE_ENOUGH else "same"
    features = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False)(features)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(features))
