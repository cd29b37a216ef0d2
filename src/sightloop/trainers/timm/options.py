"""What `[train.options]` of a recipe may say to the timm trainer."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from sightloop.errors import BadRecipe
from sightloop.trainers.timm.photographs import Changes
from sightloop.values.recipe import Recipe
from sightloop.values.table import read

Share = Annotated[float, Meta(ge=0, lt=1)]


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options of transfer; documented in docs/trainers.md."""

    backbone: str | Annotated[tuple[str, ...], Meta(min_length=1)] = "mobilenetv2_100"
    weights: str | tuple[str, ...] = "hub"
    embedding: Literal["last", "surfaces"] = "last"
    head: Literal["auto", "logistic", "discriminant", "tuned"] = "auto"
    copies: Annotated[int, Meta(ge=0)] = 4
    frozen: Annotated[int, Meta(ge=0)] = 4
    looks: Literal[1, 2, 4] = 1
    shrink: Literal[1, 2, 4] = 1
    hands: bool = False
    background: Literal["kept", "green"] = "kept"
    class_weights: Literal["balanced", "none"] = "balanced"
    dropout: Share = 0.2
    label_smoothing: Share = 0.0
    mixing: Annotated[float, Meta(ge=0)] = 0.0
    weight_decay: Annotated[float, Meta(ge=0)] = 0.02
    patience: Annotated[int, Meta(ge=0)] = 0
    changes: Changes = Changes()

    @property
    def backbones(self) -> list[tuple[str, str]]:
        """Each backbone with whence its weights come."""
        names = [self.backbone] if isinstance(self.backbone, str) else list(self.backbone)
        whence = [self.weights] * len(names) if isinstance(self.weights, str) else list(self.weights)
        return list(zip(names, whence, strict=True))

    @property
    def balanced(self) -> bool:
        """Whether rare classes count as much as frequent ones."""
        return self.class_weights == "balanced"

    @property
    def green(self) -> bool:
        """Whether the photographs have a green screen."""
        return self.background == "green"

    @property
    def tuned(self) -> bool:
        """Whether the backbone may learn too, and not the head alone."""
        return self.head in ("auto", "tuned") and self.embedding == "last"


def options(recipe: Recipe) -> Options:
    """The checked `train.options` of a recipe. Raises BadRecipe."""
    if recipe.input.kind != "image":
        raise BadRecipe("the timm trainer takes images", expected='input.kind = "image"', got=recipe.input.kind)
    chosen = read(recipe.train.options, Options, recipe.name, "train.options")
    if chosen.embedding == "surfaces" and chosen.head == "tuned":
        raise BadRecipe(
            f"{recipe.name}: [train.options]: of surfaces only the head learns",
            expected='head = "logistic" or "discriminant"',
            got="tuned",
        )
    _refuse_several(recipe, chosen)
    if recipe.input.height % chosen.shrink or recipe.input.width % chosen.shrink:
        raise BadRecipe(
            f"{recipe.name}: [train.options]: pictures cannot be shrunk by {chosen.shrink}",
            expected=f"input.height and input.width that are multiples of {chosen.shrink}",
            got=f"{recipe.input.height} x {recipe.input.width}",
        )
    return chosen


def _refuse_several(recipe: Recipe, chosen: Options) -> None:
    """Several backbones stand side by side only as surfaces, and each needs its weights."""
    names = (chosen.backbone,) if isinstance(chosen.backbone, str) else chosen.backbone
    if len(set(names)) != len(names) or (len(names) != 1 and chosen.embedding == "last"):
        raise BadRecipe(
            f"{recipe.name}: [train.options]: different backbones are seen side by side, and as surfaces only",
            expected='one backbone, or several with embedding = "surfaces"',
            got=", ".join(names) or "none",
        )
    if not isinstance(chosen.weights, str) and len(chosen.weights) != len(names):
        raise BadRecipe(
            f"{recipe.name}: [train.options]: weights must say for each backbone whence they come",
            expected=f"one, or {len(names)}",
            got=f"{len(chosen.weights)}",
        )
