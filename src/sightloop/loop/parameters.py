"""What a person may change for one run, without touching the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sightloop.errors import BadInput
from sightloop.values.recipe import Recipe
from sightloop.values.table import nearest

KNOWN = ("epochs", "batch_size", "learning_rate", "seed", "trainer", "options")


def apply(recipe: Recipe, parameters: Mapping[str, Any]) -> Recipe:
    """The recipe with these training parameters in place of its own. Raises BadInput, naming the nearest known one."""
    for name in parameters:
        if name not in KNOWN:
            raise BadInput(f"the parameter {name!r} is {nearest(name, KNOWN)}")
    table = msgspec.to_builtins(recipe)
    table["train"] |= dict(parameters)
    return Recipe.of(table, origin="the run's parameters")
