"""Trains an image classifier with Keras 3 on its torch backend."""

from __future__ import annotations

from typing import Any

import msgspec

from sightloop.errors import BadRecipe
from sightloop.trainers.keras.augmentation import Augmentation
from sightloop.trainers.keras.batches import Batches, one_hot
from sightloop.trainers.keras.convolution import Options, build
from sightloop.trainers.keras.graph import load_keras, predictor, to_onnx
from sightloop.trainers.keras.progress import TRAINED, Progress
from sightloop.trainers.torch_settled import settle
from sightloop.trainers.trainer import Arrays, Fitted, Report
from sightloop.values.recipe import Recipe, Train
from sightloop.values.table import read

_CHECKED_AT_ONCE = 256


class KerasTrainer:
    """A small convolutional network for images, trained from nothing; its options are `convolution.Options`."""

    def check(self, recipe: Recipe) -> None:
        """Refuse landmarks, and options that are not there or cannot be."""
        _options(recipe)

    def train(self, recipe: Recipe, train: Arrays, validation: Arrays, report: Report) -> Fitted:
        """A network fitted to `train`, with the weights of the epoch that was best on `validation`."""
        options = _options(recipe)
        report(done=0.0, message="loading Keras")
        keras = load_keras()
        keras.utils.set_random_seed(recipe.train.seed)
        unrepeatable = settle(recipe.train.seed)
        model = build(keras, recipe, options)
        augmentation = Augmentation(options.changes, recipe.train.seed)
        batches = Batches(
            train, len(recipe.classes), recipe.train.batch_size, augmentation, least_steps=options.least_steps
        )
        learner = _learner(keras, model, recipe.train, options, batches.steps)
        progress = Progress(learner, recipe.train.epochs, batches.steps, options.patience, report)
        _fit(keras, learner, batches, validation, progress, recipe.train.epochs)
        report(done=TRAINED, message="writing the graph")
        return Fitted(
            graph=to_onnx(model),
            predict=predictor(model),
            epochs=len(progress.curves),
            curves=tuple(progress.curves),
            reproducible=unrepeatable,
            parameters=msgspec.to_builtins(options)
            | {"best_epoch": progress.best + 1, "weights": model.count_params()},
        )


def _options(recipe: Recipe) -> Options:
    if recipe.input.kind != "image":
        raise BadRecipe("the keras trainer takes images", expected='input.kind = "image"', got=recipe.input.kind)
    return read(recipe.train.options, Options, recipe.name, "train.options")


def _learner(keras: Any, model: Any, train: Train, options: Options, steps: int) -> Any:
    """The model without its embedding, ready to learn in epochs of so many steps."""
    warm = max(1, steps // 3)
    rate = keras.optimizers.schedules.CosineDecay(
        train.learning_rate / 10,
        decay_steps=max(1, steps * train.epochs - warm),
        warmup_target=train.learning_rate,
        warmup_steps=warm,
    )
    learner = keras.Model(model.input, model.output[0])
    learner.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=options.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    return learner


def _fit(keras: Any, learner: Any, batches: Batches, validation: Arrays, progress: Progress, epochs: int) -> None:
    """Train in place, and leave the learner with its best weights."""
    learner.fit(
        batches.forever(),
        steps_per_epoch=batches.steps,
        epochs=epochs,
        shuffle=False,
        validation_data=(validation.inputs, one_hot(validation.targets, batches.classes)),
        validation_batch_size=_CHECKED_AT_ONCE,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=progress.step, on_epoch_end=progress.epoch)],
        verbose=0,
    )
    learner.load_state_dict(progress.weights)


TRAINER = KerasTrainer()
