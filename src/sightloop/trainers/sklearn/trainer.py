"""Trains scikit-learn models on hands, or on small pictures as a quick baseline, and writes them as one ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.trainers.sklearn.composition import LEAST, compose
from sightloop.trainers.sklearn.estimators import Choice, Draw, Rows, fit, probabilities
from sightloop.trainers.sklearn.features import Extract, extractor, graph
from sightloop.trainers.sklearn.hands import Alteration, altered
from sightloop.trainers.trainer import Arrays, Fitted, Report, require_each_class
from sightloop.values.recipe import Recipe
from sightloop.values.table import read

Predict = Callable[[NDArray[Any]], tuple[NDArray[np.float32], NDArray[np.float32]]]


class Options(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`train.options` of a recipe: which model, the most dims of its embedding, how training hands are altered."""

    embedding: Annotated[int, Meta(ge=2, le=128)] = 32
    hand: Alteration = Alteration()


class SklearnTrainer:
    """Fits scikit-learn models to features that the package's own graph computes."""

    def check(self, recipe: Recipe) -> None:
        """Refuse options that are not known or not possible (BadRecipe, with the nearest known one)."""
        options(recipe)

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:
        """A model fitted to `train`, its hands altered anew in each epoch; `validation` is only watched."""
        from threadpoolctl import threadpool_limits

        # One thread adds up in one order, whatever the machine, and is faster: the matrices are small.
        with threadpool_limits(1):
            return _train(recipe, options(recipe), train, validation, report)


def _train(recipe: Recipe, chosen: Options, train: Arrays, validation: Arrays, report: Report) -> Fitted:
    require_each_class(recipe, train)
    extract = extractor(recipe.input)
    draw = _drawer(recipe, chosen, train, extract)
    scaler, projection = _fit_scale(draw()[0], chosen.embedding, recipe.train.seed)

    def draw_scaled() -> Rows:
        features, targets = draw()
        return scaler.transform(features), targets

    held = scaler.transform(extract(validation.inputs))
    epochs = recipe.train.epochs if chosen.model == "mlp" else 1
    curves: list[dict[str, float]] = []
    members: list[Any] = []
    for members, numbers in fit(chosen, recipe.train, draw_scaled, len(recipe.classes)):
        right = probabilities(members, held).argmax(axis=1) == validation.targets
        curves.append({"epoch": len(curves) + 1, **numbers, "validation_accuracy": float(right.mean())})
        report(done=len(curves) / epochs, message=f"epoch {len(curves)} of {epochs}", metrics=curves[-1])
    return Fitted(
        graph=compose(graph(recipe.input), scaler, projection, members),
        predict=_predictor(extract, scaler, projection, members),
        epochs=len(curves),
        curves=tuple(curves),
        parameters=msgspec.to_builtins(chosen),
    )


def options(recipe: Recipe) -> Options:
    """The checked `train.options` of a recipe. Raises BadRecipe."""
    if "hand" in recipe.train.options and recipe.input.kind != "landmarks":
        raise BadRecipe("train.options.hand alters hands", expected='input.kind = "landmarks"', got="image")
    return read(recipe.train.options, Options, recipe.name, "train.options")


def _drawer(recipe: Recipe, chosen: Options, train: Arrays, extract: Extract) -> Draw:
    """Pictures give the same features each time, hands are altered anew."""
    if recipe.input.kind == "image":
        features = extract(train.inputs)
        return lambda: (features, train.targets)
    chance = np.random.default_rng(recipe.train.seed)
    hands = np.repeat(train.inputs, chosen.hand.copies, axis=0)
    targets = np.repeat(train.targets, chosen.hand.copies)
    return lambda: (extract(altered(hands, chosen.hand, chance)), targets)


def _fit_scale(features: NDArray[np.float32], dims: int, seed: int) -> tuple[Any, Any]:
    """What brings each feature to mean 0 and deviation 1, and the principal components that become the embedding."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    dims = min(dims, *features.shape)
    return scaler, PCA(dims, svd_solver="covariance_eigh", random_state=seed).fit(scaler.transform(features))


def _predictor(extract: Extract, scaler: Any, projection: Any, members: list[Any]) -> Predict:
    def predict(inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        scaled = scaler.transform(extract(inputs))
        answers = np.log(np.maximum(probabilities(members, scaled), np.float32(LEAST)))
        return answers, projection.transform(scaled).astype(np.float32)

    return predict


TRAINER = SklearnTrainer()
