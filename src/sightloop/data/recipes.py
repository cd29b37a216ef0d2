"""The recipes that ship with sightloop, and those in a person's own folder."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from sightloop import plugins
from sightloop.errors import BadRecipe
from sightloop.values.recipe import Recipe
from sightloop.values.table import nearest


def load(folder: Path | None = None) -> dict[str, Recipe]:
    """All recipes by name: those that ship, and those in `folder`, which may take the place of one that ships.

    Raises BadRecipe for a folder that is not there, a file that cannot be read, and two files of one folder that
    declare the same project.
    """
    recipes = _read(files("sightloop").joinpath("recipes").iterdir())
    if folder is not None:
        if not folder.is_dir():
            raise BadRecipe(f"the folder of recipes {folder} is not there", hint="Check SIGHTLOOP_RECIPES.")
        recipes |= _read(folder.iterdir())
    return recipes


def read(path: Path) -> Recipe:
    """The recipe in one file, its task and trainer known. Raises BadRecipe."""
    if not path.is_file():
        raise BadRecipe(f"{path} is not a file", expected="a recipe in TOML")
    return _parse(path)


def _read(entries: Iterable[Traversable]) -> dict[str, Recipe]:
    recipes: dict[str, Recipe] = {}
    for entry in sorted(entries, key=lambda entry: entry.name):
        if not entry.name.endswith(".toml"):
            continue
        recipe = _parse(entry)
        if recipe.name in recipes:
            raise BadRecipe(f"{entry.name} declares the project {recipe.name!r}, which another file declares too")
        recipes[recipe.name] = recipe
    return recipes


def _parse(file: Traversable) -> Recipe:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadRecipe(f"{file.name} is not UTF-8 text: {error}") from error
    except OSError as error:
        raise BadRecipe(f"{file.name} cannot be read: {error.strerror}") from error
    recipe = Recipe.parse(text, origin=file.name)
    _refuse_unknown(file.name, "task", recipe.task, plugins.names("tasks"))
    _refuse_unknown(file.name, "train.trainer", recipe.train.trainer, plugins.names("trainers"))
    for name in recipe.gate.floors:
        _refuse_unknown(file.name, "gate.floors", name, _scores(recipe))
    return recipe


def _scores(recipe: Recipe) -> list[str]:
    """The scores that a floor may name: those of which more is better."""
    boxed = recipe.task == "detection"
    whole = ("map50", "map", "precision", "recall") if boxed else ("accuracy", "precision", "recall", "f1")
    each = ("ap50", "ap", "precision", "recall") if boxed else ("precision", "recall", "f1")
    return [*whole, *(f"{name}.{label}" for label in recipe.classes for name in each)]


def _refuse_unknown(origin: str, key: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise BadRecipe(f"{origin}: {key} names {name!r}, which is {nearest(name, tuple(known))}")
