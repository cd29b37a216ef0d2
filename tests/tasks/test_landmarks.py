"""Hands become the model's input, and its output an answer with the game's command."""

from __future__ import annotations

import numpy as np
import pytest

from sightloop import plugins
from sightloop.data.recipes import load
from sightloop.errors import BadLandmarks, BadRecipe
from sightloop.tasks.landmarks import TASK
from sightloop.values.landmarks import Landmarks
from sightloop.values.package import Package, Parity
from sightloop.values.recipe import Input, Recipe

SPEC = Input(kind="landmarks")


@pytest.fixture
def recipe() -> Recipe:
    """The recipe that ships."""
    return load()["gestures"]


@pytest.fixture
def card(recipe: Recipe) -> Package:
    """The card of a package of the recipe that ships."""
    return Package(
        project=recipe.name,
        task=recipe.task,
        classes=recipe.classes,
        input=recipe.input,
        trainer=recipe.train.trainer,
        embedding=1,
        temperature=1,
        parity=Parity(samples=1, max_difference=0, limit=1),
        files={},
        commands=recipe.answers.commands,
    )


def test_comes_through_the_plugin_door() -> None:
    assert plugins.load("tasks", "landmarks") is TASK


def test_a_hand_comes_as_its_raw_points() -> None:
    hand = Landmarks.of(list(range(63)))
    (prepared,) = TASK.prepare(hand.to_bytes(), SPEC, max_pixels=0).inputs
    assert prepared.shape == SPEC.shape
    assert prepared.dtype == np.float32
    assert prepared.ravel().tolist() == list(range(63))


def test_other_bytes_are_no_hand() -> None:
    with pytest.raises(BadLandmarks, match="252 bytes"):
        TASK.prepare(b"\x89PNG", SPEC, max_pixels=0)


def test_a_recipe_of_images_is_refused() -> None:
    with pytest.raises(BadRecipe, match="takes landmarks"):
        TASK.prepare(Landmarks.of(list(range(63))).to_bytes(), Input(kind="image"), max_pixels=0)


@pytest.mark.parametrize(
    ("label", "command"),
    [("like", "up"), ("dislike", "down"), ("palm", "left"), ("ok", "right"), ("fist", None), ("stop", None)],
)
def test_answers_carry_the_games_command(card: Package, label: str, command: str | None) -> None:
    row = np.full(18, 0.01, np.float32)
    row[card.classes.index(label)] = 0.83
    answer = TASK.read([row], card, (0, 0))
    assert (answer.label, answer.command) == (label, command)
    assert answer.confidence == pytest.approx(0.83)
    assert len(answer.probabilities) == 18


def test_the_recipe_knows_the_other_spellings(recipe: Recipe) -> None:
    spelled = {10: "peace inv.", 13: "stop inv.", 15: "three 2", 16: "two up", 17: "two up inv."}
    assert {recipe.label(text): place for place, text in spelled.items()} == {recipe.classes[n]: n for n in spelled}
    assert recipe.label("no_gesture") is None


def test_scores_are_those_of_any_classification() -> None:
    answers = np.array([[0.9, 0.1], [0.4, 0.6]], np.float32)
    assert TASK.score(answers, np.array([0, 0]), ("no", "yes")).accuracy == 0.5
