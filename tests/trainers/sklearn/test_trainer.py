"""scikit-learn models learn from what the package's own graph computes, and the graph answers as they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from msgspec.structs import replace
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import landmark_csv
from sightloop.data.recipes import load
from sightloop.errors import BadData, BadRecipe
from sightloop.tasks.landmarks import TASK
from sightloop.trainers.sklearn.features import extractor
from sightloop.trainers.sklearn.hands import Alteration, altered
from sightloop.trainers.sklearn.trainer import TRAINER
from sightloop.trainers.trainer import Arrays
from sightloop.values.recipe import Recipe

SHAPES = ("fist", "one", "palm")
FINGERS = {"fist": (0.9, 0.9, 0.9, 0.9), "one": (2.0, 0.9, 0.9, 0.9), "palm": (2.0, 2.1, 2.0, 1.8)}


def hand(shape: str, chance: np.random.Generator) -> NDArray[np.float32]:
    """A right hand in pixels, drawn by rule: four fingers, as long as the shape has them, and a thumb."""
    points = [(0.0, 0.0), (-0.4, -0.3), (-0.7, -0.6), (-0.8, -0.9), (-0.9, -1.1)]
    for finger, length in enumerate(FINGERS[shape]):
        across = (finger - 1.5) * 0.25
        points += [(across * (1 + joint / 5), -1 - (length - 1) * joint / 3) for joint in range(4)]
    plane = (np.array(points) + chance.normal(0, 0.03, (21, 2))) * chance.uniform(50, 200) + chance.uniform(0, 400, 2)
    return np.pad(plane, ((0, 0), (0, 1))).astype(np.float32)


def hands(count: int, seed: int) -> Arrays:
    """So many hands, the shapes in turn."""
    chance = np.random.default_rng(seed)
    targets = np.arange(count) % len(SHAPES)
    return Arrays(np.stack([hand(SHAPES[target], chance) for target in targets]), targets)


def recipe(kind: str = "landmarks", classes: tuple[str, ...] = SHAPES, **options: Any) -> Recipe:
    """A recipe of few and quick epochs."""
    return Recipe.of(
        {
            "name": "small",
            "task": "landmarks" if kind == "landmarks" else "classification",
            "classes": classes,
            "input": {"kind": kind, "height": 8, "width": 8},
            "train": {"trainer": "sklearn", "epochs": 6, "batch_size": 32, "learning_rate": 0.01, "options": options},
        }
    )


def run(graph: bytes, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The graph's own answers."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    logits, embedding = session.run(["logits", "embedding"], {"input": inputs})
    return logits, embedding


def ignore(**_: object) -> None:
    """Hears of progress."""


def test_comes_through_the_plugin_door() -> None:
    assert plugins.load("trainers", "sklearn") is TRAINER


@pytest.mark.parametrize("model", ["mlp", "logistic", "forest"])
def test_the_graph_answers_as_the_framework_does(model: str) -> None:
    held = hands(30, seed=2)
    fitted = TRAINER.train(recipe(model=model, members=2, hidden=[16], trees=8), hands(90, seed=1), held, ignore)
    logits, embedding = run(fitted.graph, held.inputs)
    own_logits, own_embedding = fitted.predict(held.inputs)
    assert np.exp(logits) == pytest.approx(np.exp(own_logits), abs=1e-5)
    assert embedding == pytest.approx(own_embedding, abs=1e-4)
    assert (logits.argmax(axis=1) == held.targets).mean() >= 0.95
    assert np.exp(logits).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_progress_is_told_by_epochs() -> None:
    told: list[dict[str, Any]] = []
    held = hands(9, seed=2)
    fitted = TRAINER.train(recipe(hidden=[8]), hands(30, seed=1), held, lambda **event: told.append(event))
    assert [event["done"] for event in told] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert fitted.epochs == 6
    assert set(fitted.curves[-1]) == {"epoch", "loss", "validation_accuracy"}
    assert fitted.curves[-1]["loss"] < fitted.curves[0]["loss"]
    assert list(fitted.parameters["hidden"]) == [8]


def test_the_same_run_twice_gives_the_same_package_and_another_seed_another() -> None:
    data, held = hands(60, seed=1), hands(9, seed=2)
    plan = recipe(hidden=[16], members=2)
    first, second = (TRAINER.train(plan, data, held, ignore) for _ in range(2))
    assert first.graph == second.graph
    assert not first.reproducible
    other = replace(plan, train=replace(plan.train, seed=18))
    assert TRAINER.train(other, data, held, ignore).graph != first.graph


def test_left_hands_are_answered_after_training_on_right_ones_only() -> None:
    held = hands(60, seed=2)
    fitted = TRAINER.train(recipe(hidden=[32]), hands(90, seed=1), held, ignore)
    mirrored = held.inputs * np.array([-1, 1, 1], np.float32)
    assert (run(fitted.graph, mirrored)[0].argmax(axis=1) == held.targets).mean() >= 0.95


def test_embeddings_have_at_most_the_dims_that_were_asked_for() -> None:
    fitted = TRAINER.train(recipe(hidden=[8], embedding=5), hands(30, seed=1), hands(9, seed=2), ignore)
    assert run(fitted.graph, hands(4, seed=3).inputs)[1].shape == (4, 5)


def test_small_pictures_are_a_quick_baseline() -> None:
    from sklearn.datasets import load_digits

    source = load_digits()
    pixels = np.repeat((source.images * (255 / 16)).astype(np.uint8)[:, :, :, None], 3, axis=3)
    train, held = Arrays(pixels[:900], source.target[:900]), Arrays(pixels[900:1200], source.target[900:1200])
    plan = recipe("image", classes=tuple("0123456789"), hidden=[32])
    logits, _ = run(TRAINER.train(plan, train, held, ignore).graph, held.inputs)
    assert (logits.argmax(axis=1) == held.targets).mean() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modle": "mlp"}, r"unknown key 'modle' in \[train.options\].*did you mean 'model'"),
        ({"hand": {"mirored": 1.0}}, r"unknown key 'mirored' in \[train.options.hand\].*did you mean 'mirrored'"),
        ({"model": "svc"}, r"train.options\]: Invalid enum value 'svc'"),
        ({"hidden": []}, r"train.options\]: .*length >= 1"),
        ({"hand": {"stretch": 0.5}}, r"train.options\]: .*>= 1"),
        ({"embedding": 200}, r"train.options\]: .*<= 128"),
    ],
)
def test_wrong_options_are_refused_and_the_nearest_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        TRAINER.check(recipe(**options))


def test_pictures_have_no_hands_to_alter() -> None:
    with pytest.raises(BadRecipe, match="alters hands"):
        TRAINER.check(recipe("image", hand={"copies": 2}))


def test_a_class_without_samples_is_named() -> None:
    data = hands(30, seed=1)
    some = data.targets < 2
    with pytest.raises(BadData, match="none of palm"):
        TRAINER.train(recipe(), Arrays(data.inputs[some], data.targets[some]), data, ignore)


def test_alterations_can_be_switched_off_and_keep_depth() -> None:
    points = hands(6, seed=1).inputs + np.array([0, 0, 3], np.float32)
    still = altered(points, Alteration(mirrored=0, turn=0, stretch=1, noise=0), np.random.default_rng(0))
    assert still == pytest.approx((points - points[:, :1] * [1, 1, 0]).astype(np.float32))
    other = altered(points, Alteration(mirrored=1, turn=0, stretch=1, noise=0), np.random.default_rng(0))
    assert other == pytest.approx(still * np.array([-1, 1, 1], np.float32))


def test_turning_keeps_distances_and_stretching_changes_heights_only() -> None:
    points = hands(6, seed=1).inputs
    chance = np.random.default_rng(0)
    turned = altered(points, Alteration(mirrored=0, turn=30, stretch=1, noise=0), chance)
    size = np.linalg.norm((points - points[:, :1])[:, :, :2], axis=2)
    assert np.linalg.norm(turned[:, :, :2], axis=2) == pytest.approx(size, rel=1e-4, abs=1e-3)
    stretched = altered(points, Alteration(mirrored=0, turn=0, stretch=2, noise=0), chance)
    assert stretched[:, :, 0] == pytest.approx((points - points[:, :1])[:, :, 0])
    factors = stretched[:, 12, 1] / (points[:, 12, 1] - points[:, 0, 1])
    assert factors.min() >= 0.5
    assert factors.max() <= 2
    assert len(set(factors.tolist())) == 6


def test_a_model_of_real_hands_knows_those_of_other_people_in_another_form(shared_data: Path) -> None:
    plan = load()["gestures"]
    data = _real(plan, shared_data / "gestures" / "hand_landmarks_data.csv.gz")
    others = _real(plan, shared_data / "gestures" / "hagrid_annotations_xy.csv.gz", skip_labels={"no_gesture"})
    quick = replace(plan, train=replace(plan.train, epochs=8, options={"members": 1}))
    fitted = TRAINER.train(quick, data, Arrays(data.inputs[:100], data.targets[:100]), ignore)
    for flip in (1, -1):
        logits, _ = run(fitted.graph, others.inputs * np.array([flip, 1, 1], np.float32))
        assert (logits.argmax(axis=1) == others.targets).mean() >= 0.94


def _real(plan: Recipe, path: Path, **how: Any) -> Arrays:
    items = list(landmark_csv.read(path, **how))
    points = [TASK.prepare(item.content, plan.input, max_pixels=0).inputs[0] for item in items]
    return Arrays(np.stack(points), np.array([plan.classes.index(item.label) for item in items]))


def test_features_of_a_hand_are_finite_whatever_its_unit() -> None:
    extract = extractor(recipe().input)
    points = hands(3, seed=1).inputs
    usual = extract(points)
    for unit in (1e-35, 1e-6, 1e6, 1e35):
        assert extract(points * np.float32(unit)) == pytest.approx(usual, abs=1e-4)
