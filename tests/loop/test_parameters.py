"""What a run may change of its recipe."""

from __future__ import annotations

import pytest
from tests import tens

from sightloop.errors import BadInput
from sightloop.loop.parameters import apply
from sightloop.values.recipe import Recipe


def test_parameters_take_the_place_of_the_recipes_own() -> None:
    recipe = Recipe.parse(tens.RECIPE)
    changed = apply(recipe, {"epochs": 2, "learning_rate": 0.5})
    assert (changed.train.epochs, changed.train.learning_rate) == (2, 0.5)
    assert changed.train.options == recipe.train.options
    assert apply(recipe, {}) == recipe


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"epoch": 2}, "did you mean 'epochs'"),
        ({"gate": {}}, "known are epochs"),
        ({"epochs": 0}, "the run's parameters"),
        ({"epochs": "many"}, "the run's parameters"),
    ],
)
def test_what_is_no_parameter_is_refused(parameters: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        apply(Recipe.parse(tens.RECIPE), parameters)
