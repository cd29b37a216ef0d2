"""Recipes: what is read, and how a mistake is explained."""

from __future__ import annotations

import pytest

from sightloop.errors import BadRecipe
from sightloop.values.recipe import Recipe

LEAST = """
name = "cats"
task = "classification"
classes = ["cat", "dog"]
[input]
kind = "image"
[train]
trainer = "keras"
"""


def test_defaults_fill_what_a_short_recipe_leaves_out() -> None:
    recipe = Recipe.parse(LEAST)
    assert (recipe.split.validation, recipe.split.test) == (0.1, 0.1)
    assert recipe.input.shape == (224, 224, 3)
    assert recipe.triggers.labels == 0


@pytest.mark.parametrize(
    ("added", "complaint"),
    [
        ("\nepoch = 3", "unknown key 'epoch' in [train]; did you mean 'epochs'?"),
        ("\n[trian]\nx = 1", "unknown key 'trian' in the recipe; did you mean 'train'?"),
        ("\n[train.first]\nepoch = 3", "unknown key 'epoch' in [train.first]; did you mean 'epochs'?"),
        ("\n[gate.floors]\naccuracy = 2", "gate.floors"),
        ("\n[split]\nvalidation = 0.6\ntest = 0.4", "leave something to train on"),
        ("\n[answers.commands]\ncta = 'up'", "did you mean 'cat'?"),
        ("\nepochs = 0", "train.epochs"),
        ("\nseed = -1", "train.seed"),
        ("\nseed = 4294967296", "train.seed"),
        ("\n[triggers]\nbudget_days = inf", "triggers.budget_days"),
        ("\n[triggers]\ncooldown_minutes = inf", "triggers.cooldown_minutes"),
        ("\n[data]\ntrack = 'git'", "Invalid enum value 'git' - at `$.data.track`; expected '' or 'dvc'"),
        ("\n= 3", "not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(added: str, complaint: str) -> None:
    with pytest.raises(BadRecipe) as error:
        Recipe.parse(LEAST + added, origin="cats.toml")
    assert "cats.toml" in str(error.value)
    assert complaint in str(error.value).replace(". It is not known; ", "; ")


@pytest.mark.parametrize(("task", "kind"), [("classification", "landmarks"), ("landmarks", "image")])
def test_a_task_takes_its_own_kind_of_input(task: str, kind: str) -> None:
    text = LEAST.replace('"classification"', f'"{task}"').replace('kind = "image"', f'kind = "{kind}"')
    with pytest.raises(BadRecipe, match=f"input.kind is '{kind}', where the task '{task}' takes"):
        Recipe.parse(text)


def test_a_picture_is_stretched_or_keeps_its_shape() -> None:
    asked = LEAST.replace('kind = "image"', 'kind = "image"\nfit = "{}"')
    assert Recipe.parse(LEAST).input.fit == "stretch"
    assert Recipe.parse(asked.format("pad")).input.fit == "pad"
    with pytest.raises(BadRecipe, match=r"'crop' - at `\$\.input\.fit`; expected 'stretch' or 'pad'"):
        Recipe.parse(asked.format("crop"))


@pytest.mark.parametrize("name", ["", "Cats", "-cats", "a/b", "x" * 64, "runs"])
def test_a_name_that_no_url_can_carry_is_refused(name: str) -> None:
    with pytest.raises(BadRecipe, match="name"):
        Recipe.parse(LEAST.replace('"cats"', f'"{name}"'))


@pytest.mark.parametrize("classes", ['["cat"]', '["cat", "cat"]', '["cat", ""]', '["cat", "dog "]'])
def test_classes_are_two_or_more_and_each_once_with_a_name(classes: str) -> None:
    with pytest.raises(BadRecipe, match="class"):
        Recipe.parse(LEAST.replace('["cat", "dog"]', classes))


def test_a_label_may_be_spelled_by_an_alias() -> None:
    recipe = Recipe.parse(LEAST + '\n[aliases]\nkitty = "cat"\n')
    assert recipe.label("kitty") == "cat"
    assert recipe.label("dog") == "dog"
    assert recipe.label("cow") is None
