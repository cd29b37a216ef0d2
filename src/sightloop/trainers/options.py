"""The `[train.options]` of a recipe as a trainer's own struct; an unknown key is refused with the nearest known."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import Struct

from sightloop.errors import BadRecipe
from sightloop.values.recipe import Recipe, nearest

Options = TypeVar("Options", bound=Struct)


def checked(recipe: Recipe, kind: type[Options], **tables: type[Struct]) -> Options:
    """The options as `kind`; `tables` names the struct of each table inside. Raises BadRecipe."""
    try:
        return msgspec.convert(recipe.train.options, kind)
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field `(.+?)`(?: - at `\$\.(\w+)`)?", str(error))
        if unknown is None:
            raise BadRecipe(f"[train.options]: {error}") from error
        known = tables.get(unknown[2] or "", kind).__struct_fields__
        raise BadRecipe(
            f"[train.options]: unknown key {unknown[1]!r}", hint=f"It is {nearest(unknown[1], known)}."
        ) from error
