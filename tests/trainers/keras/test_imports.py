"""Models that Keras saved elsewhere come in as packages that answer as they did, and never run code of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightloop.errors import BadData
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.keras.graph import load_keras, quiet
from sightloop.trainers.keras.imports import Scaling, read
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays
from sightloop.values.recipe import Recipe

RECIPE = Recipe.of(
    {
        "name": "tiny",
        "task": "classification",
        "classes": ["a", "b", "c"],
        "input": {"kind": "image", "height": 8, "width": 8},
        "train": {"trainer": "keras"},
    }
)
GREY = Scaling(channels="grey", high=1)


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras on its torch backend."""
    return load_keras()


@pytest.fixture
def save(keras: Any, tmp_path: Path) -> Callable[..., tuple[Path, Any]]:
    """Saves a small classifier of these layers, and gives its file and itself."""

    def make(name: str, layers: list[Any], shape: tuple[int, ...] = (8, 8, 1)) -> tuple[Path, Any]:
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input(shape), *layers])
        path = tmp_path / name
        with quiet():  # Keras warns that .h5 is old, and NumPy of how Keras reads its weights
            model.save(path)
        return path, model

    return make


def convolutional(keras: Any, **last: Any) -> list[Any]:
    layers = keras.layers
    return [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(6), layers.Dense(3, **last)]


def noise(count: int = 40) -> Arrays:
    random = np.random.default_rng(0)
    return Arrays(random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8), np.arange(count) % 3)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_an_imported_model_answers_as_it_did(
    keras: Any, save: Callable[..., tuple[Path, Any]], tmp_path: Path, name: str, activation: str | None
) -> None:
    path, model = save(name, convolutional(keras, activation=activation))
    fitted, data = read(path, RECIPE, GREY), noise()
    light = data.inputs @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    own = model(light[..., None].astype(np.float32), training=False).detach().numpy()
    logits, embedding = fitted.predict(data.inputs)
    assert embedding.shape == (40, 6)
    assert (np.exp(logits) if activation else logits) == pytest.approx(own, abs=1e-5)
    sealed = pack(fitted, RECIPE, data, open=RUNTIME.open, dataset="", code="", folder=tmp_path / "package")
    assert RUNTIME.open(sealed, threads=1).run(data.inputs)[0].shape == (40, 3)


@pytest.mark.parametrize("shape", [(8, 8), (64,)])
def test_pixels_without_channels_or_in_one_row_are_taken(
    keras: Any, save: Callable[..., tuple[Path, Any]], shape: tuple[int, ...]
) -> None:
    layers = [keras.layers.Flatten(), keras.layers.Dense(3), keras.layers.Softmax()]
    path, model = save("model.keras", layers, shape)
    inputs = np.repeat(noise(4).inputs[..., :1], 3, axis=3)
    logits, _ = read(path, RECIPE, Scaling(channels="grey", high=255)).predict(inputs)
    light = inputs[..., 0].reshape(4, *shape).astype(np.float32)
    assert np.exp(logits) == pytest.approx(model(light, training=False).detach().numpy(), abs=1e-3)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_code_inside_a_file_is_never_run(keras: Any, save: Callable[..., tuple[Path, Any]], name: str) -> None:
    path, _ = save(name, [keras.layers.Flatten(), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(3)])
    with pytest.raises(BadData, match="cannot be loaded"):
        read(path, RECIPE, GREY)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"nothing")
    with pytest.raises(BadData, match="cannot be loaded"):
        read(tmp_path / "model.keras", RECIPE, GREY)
    with pytest.raises(BadData, match="no saved Keras model"):
        read(tmp_path / "model.pt", RECIPE, GREY)


def test_a_model_of_other_classes_size_or_end_is_refused(keras: Any, save: Callable[..., tuple[Path, Any]]) -> None:
    path, _ = save("classes.keras", [keras.layers.Flatten(), keras.layers.Dense(5)])
    with pytest.raises(BadData, match="another number of classes"):
        read(path, RECIPE, GREY)
    path, _ = save("size.keras", [keras.layers.Flatten(), keras.layers.Dense(3)], (9, 9, 1))
    with pytest.raises(BadData, match="another input"):
        read(path, RECIPE, GREY)
    path, _ = save("end.keras", [keras.layers.Flatten(), keras.layers.Dense(3, activation="sigmoid")])
    with pytest.raises(BadData, match="ends otherwise"):
        read(path, RECIPE, GREY)
