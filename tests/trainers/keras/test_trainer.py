"""The keras trainer: what it learns, tells, refuses, and how its graph answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from sightloop.data import bundled
from sightloop.errors import BadRecipe, Cancelled
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.keras.trainer import TRAINER
from sightloop.trainers.packaging import pack
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.image import Image
from sightloop.values.package import Sealed
from sightloop.values.recipe import Recipe

OPTIONS = {"channels": "grey", "invert": True, "stretch": True, "width": 8, "embedding": 32, "least_steps": 120}


def recipe(**options: Any) -> Recipe:
    """A small network for digits; keywords add options."""
    train = {"trainer": "keras", "epochs": 1, "batch_size": 64, "learning_rate": 0.004, "options": OPTIONS | options}
    shape = {"kind": "image", "height": 28, "width": 28}
    table = {"name": "digits", "task": "classification", "classes": list("0123456789")}
    return Recipe.of(table | {"input": shape, "train": train})


@pytest.fixture(scope="module")
def sides() -> tuple[Arrays, Arrays]:
    """The bundled digits: 1,437 to train on, 360 held out."""
    items = list(bundled.digits())
    inputs = np.stack([Image.decode(item.content).pixels for item in items])
    targets = np.array([int(item.label) for item in items])
    held = np.random.default_rng(0).permutation(len(items))
    return Arrays(inputs[held[360:]], targets[held[360:]]), Arrays(inputs[held[:360]], targets[held[:360]])


Told = list[dict[str, Any]]


@pytest.fixture(scope="module")
def trained(sides: tuple[Arrays, Arrays]) -> tuple[Fitted, Told]:
    """A model trained once for all tests here, and what it told on the way."""
    told: Told = []
    return TRAINER.train(recipe(), *sides, lambda **event: told.append(event)), told


@pytest.fixture(scope="module")
def package(
    trained: tuple[Fitted, Told], sides: tuple[Arrays, Arrays], tmp_path_factory: pytest.TempPathFactory
) -> Sealed:
    """The trained model's package."""
    folder = tmp_path_factory.mktemp("package")
    return pack(trained[0], recipe(), sides[1], open=RUNTIME.open, dataset="", code="", folder=folder)


def test_a_short_training_learns_digits_it_has_not_seen(package: Sealed, sides: tuple[Arrays, Arrays]) -> None:
    answers, embeddings = RUNTIME.open(package, threads=1).run(sides[1].inputs)
    assert (answers.argmax(axis=1) == sides[1].targets).mean() > 0.95
    assert embeddings.shape == (360, 32)


def test_the_graph_is_close_to_the_framework_alone_and_in_batches(
    package: Sealed, trained: tuple[Fitted, Told], sides: tuple[Arrays, Arrays]
) -> None:
    assert package.card.parity.max_difference < 1e-5
    session, inputs = RUNTIME.open(package, threads=1), sides[1].inputs[:64]
    alone = np.concatenate([session.run(inputs[row : row + 1])[1] for row in range(3)])
    assert alone == pytest.approx(session.run(inputs)[1][:3], abs=1e-5)
    assert alone == pytest.approx(trained[0].predict(inputs)[1][:3], abs=1e-4)


def test_black_on_white_and_faint_digits_are_read_as_well(package: Sealed, sides: tuple[Arrays, Arrays]) -> None:
    session, inputs = RUNTIME.open(package, threads=1), sides[1].inputs
    plain = session.run(inputs)[0]
    assert session.run(255 - inputs)[0] == pytest.approx(plain, abs=1e-4)
    faint = session.run(100 + inputs // 4)[0]
    assert (faint.argmax(axis=1) == plain.argmax(axis=1)).mean() > 0.97


def test_a_blank_picture_gets_an_answer_all_the_same(package: Sealed) -> None:
    for grey in (0, 128, 255):
        blank = np.full((1, 28, 28, 3), grey, np.uint8)
        assert RUNTIME.open(package, threads=1).run(blank)[0].sum() == pytest.approx(1, abs=1e-5)


def test_the_graph_names_nothing_of_the_machine(package: Sealed) -> None:
    graph = onnx.load_model_from_string(package.graph)
    assert [value.name for value in graph.graph.input] == ["input"]
    assert graph.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert b"/home/" not in package.graph
    assert b"site-packages" not in package.graph


def test_progress_rises_to_the_end_with_numbers(trained: tuple[Fitted, Told]) -> None:
    fitted, told = trained
    done = [event["done"] for event in told]
    assert done == sorted(done)
    assert 0 <= done[0] < done[-1] <= 1
    assert len(done) > 3
    assert {"loss", "accuracy"} <= set(told[1]["metrics"])
    assert {"val_loss", "val_accuracy"} <= set(fitted.curves[-1])
    assert len(fitted.curves) == fitted.epochs == 1


def test_the_same_training_twice_gives_the_same_weights(sides: tuple[Arrays, Arrays]) -> None:
    small = recipe(least_steps=4, width=4)
    first, second = (TRAINER.train(small, *sides, lambda **_: None) for _ in range(2))
    assert first.reproducible == ""
    assert first.graph == second.graph


def test_what_report_raises_stops_the_training(sides: tuple[Arrays, Arrays]) -> None:
    def cancel(**event: Any) -> None:
        if event.get("metrics"):
            raise Cancelled("a person stopped the run")

    with pytest.raises(Cancelled):
        TRAINER.train(recipe(least_steps=10_000, width=4), *sides, cancel)


def test_colours_and_other_sizes_and_numbers_of_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    targets = np.arange(60) % 3
    inputs = random.integers(0, 80, (60, 20, 36, 3), dtype=np.uint8)
    inputs[np.arange(60), :, :, targets] += 120
    data = Arrays(inputs, targets)
    train = {"trainer": "keras", "epochs": 2, "batch_size": 16, "learning_rate": 0.01}
    options = {"width": 4, "embedding": 8, "least_steps": 20, "changes": {"mirror": True}}
    coloured = Recipe.of(
        {
            "name": "colours",
            "task": "classification",
            "classes": ["red", "green", "blue"],
            "input": {"kind": "image", "height": 20, "width": 36},
            "train": train | {"options": options},
        }
    )
    fitted = TRAINER.train(coloured, data, data, lambda **_: None)
    sealed = pack(fitted, coloured, data, open=RUNTIME.open, dataset="", code="", folder=tmp_path)
    answers = RUNTIME.open(sealed, threads=1).run(inputs)[0]
    assert (answers.argmax(axis=1) == targets).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chanels": "grey"}, "did you mean 'channels'"),
        ({"changes": {"rotated": 5}}, "did you mean 'rotate'"),
        ({"changes": {"rotate": -5}}, r"changes\.rotate"),
        ({"width": "wide"}, "width"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_options_that_are_not_there_or_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        TRAINER.check(recipe(**options))


def test_landmarks_are_refused() -> None:
    table = {"name": "hands", "task": "landmarks", "classes": ["a", "b"], "input": {"kind": "landmarks"}}
    with pytest.raises(BadRecipe, match="takes images"):
        TRAINER.check(Recipe.of(table | {"train": {"trainer": "keras"}}))
