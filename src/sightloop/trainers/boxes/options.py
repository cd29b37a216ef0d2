"""What the trainers of detectors share of a recipe: options, the inputs that they take, where weights lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from sightloop.errors import BadRecipe, NotReady
from sightloop.trainers.boxes.crops import Changes
from sightloop.values import table
from sightloop.values.recipe import Positive, Recipe

STRIDE = 32
Chosen = TypeVar("Chosen", bound="BoxOptions")


class BoxOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options of fine-tuning on crops; documented in docs/trainers.md."""

    start: dict[str, str] = {}
    crop: Annotated[int, Meta(ge=64, multiple_of=STRIDE)] = 640
    crops: Positive = 4
    changes: Changes = Changes()
    weight_decay: Annotated[float, Meta(ge=0)] = 0.02
    patience: Positive = 10


def read(recipe: Recipe, options: type[Chosen]) -> Chosen:
    """The checked `train.options` of a recipe for a detector. Raises BadRecipe."""
    refuse_other_input(recipe)
    return table.read(recipe.train.options, options, f"the recipe of {recipe.name}", "train.options")


def refuse_other_input(recipe: Recipe) -> None:
    """Refuse what detectors of this kind do not take. Raises BadRecipe."""
    if recipe.task != "detection" or recipe.input.kind != "image":
        raise BadRecipe(
            f"the {recipe.train.trainer} trainer trains detectors", expected='task = "detection"', got=recipe.task
        )
    if recipe.input.height % STRIDE or recipe.input.width % STRIDE:
        raise BadRecipe(
            f"input.height and input.width must be multiples of {STRIDE}",
            got=f"{recipe.input.height} x {recipe.input.width}",
        )


def found_weights(name: str, local: Path | None, where: str) -> Path:
    """The file of this name: a path, or in the folder (or as the file) of SIGHTLOOP_WEIGHTS. Raises NotReady."""
    places = [Path(name)] + ([local / name if local.is_dir() else local] if local is not None else [])
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise NotReady(
            f"the weights {name} are not there",
            expected="a path, or a file in the folder that SIGHTLOOP_WEIGHTS names",
            hint=f'{where} train.options.weights = "none" trains from nothing.',
        )
    return found
