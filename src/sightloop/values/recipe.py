"""A recipe: what a person declares of a project, read from TOML; an unknown key is refused with the nearest known."""

from __future__ import annotations

import re
import tomllib
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from sightloop.errors import BadRecipe
from sightloop.values.table import nearest, read

Fraction = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Tiles = Annotated[int, Meta(ge=1, le=8)]
Factor = Annotated[float, Meta(gt=0)]
Seed = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # what every library takes

_YEAR_MINUTES = 365 * 24 * 60
RESERVED = ("predictions", "projects", "runs", "videos")
"""What stands in the API's paths where else a project's name does."""
_KINDS = {"classification": "image", "detection": "image", "landmarks": "landmarks"}  # of the tasks that ship
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Input(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the model takes: RGB pixels (height, width, 3) as uint8, or hand landmarks (21, 3) as float32.

    With `tiles` a detector looks at a picture in so many overlapping parts, each way (rows, columns), and at the whole.
    `fit` says what becomes of a picture of other proportions before a classifier: it is stretched, or keeps its shape
    between black bars. A detector's picture always keeps its shape.
    """

    kind: Literal["image", "landmarks"]
    height: Positive = 224
    width: Positive = 224
    tiles: tuple[Tiles, Tiles] = (1, 1)
    fit: Literal["stretch", "pad"] = "stretch"

    @property
    def shape(self) -> tuple[int, int, int] | tuple[int, int]:
        """The shape of one prepared sample, without the batch axis."""
        return (self.height, self.width, 3) if self.kind == "image" else (21, 3)


class Data(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the first samples come from: the first of these sources that can be had is imported.

    With `track`, the packed content of every dataset version that a run trains on goes to DVC's remote.
    """

    sources: tuple[str, ...] = ()
    track: Literal["", "dvc"] = ""


class Split(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The shares of validation and test; which side a sample takes is decided by its content alone."""

    validation: Fraction = 0.1
    test: Fraction = 0.1

    def __post_init__(self) -> None:
        """Leave something to train on."""
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must leave something to train on")


class First(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What differs in the very first training of `sightloop up`, so that a new user waits less than a minute."""

    epochs: Positive | None = None


class Train(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a model is trained; `options` belong to the trainer, which checks them itself."""

    trainer: str
    seed: Seed = 17
    epochs: Positive = 10
    batch_size: Positive = 128
    learning_rate: Annotated[float, Meta(gt=0)] = 0.001
    first: First = First()
    options: dict[str, Any] = {}


class Floor(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model must hold on corrupted samples, at every strength up to `strength` (1 to 3).

    `least` is an accuracy; `keep` a share of the model's own accuracy on the same samples as they are; `drop` how far
    it may be below the champion's on the same corrupted samples, if a paired test says that it is no chance.
    """

    least: Fraction | None = None
    keep: Fraction | None = None
    drop: Fraction | None = None
    strength: Annotated[int, Meta(ge=1, le=3)] = 3

    @property
    def strengths(self) -> range:
        """The strengths at which it must hold."""
        return range(1, self.strength + 1)


class Robustness(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must hold on corrupted samples, by the kind of corruption; a kind that is not named is not measured."""

    brightness: Floor | None = None
    darkness: Floor | None = None
    blur: Floor | None = None
    noise: Floor | None = None
    jpeg: Floor | None = None
    rotation: Floor | None = None
    jitter: Floor | None = None
    scale: Floor | None = None

    def rules(self) -> dict[str, Floor]:
        """The floors by kind, of the kinds that are named."""
        return {kind: rule for kind in self.__struct_fields__ if (rule := getattr(self, kind)) is not None}


CORRUPTIONS = {
    "image": ("brightness", "darkness", "blur", "noise", "jpeg", "rotation"),
    "landmarks": ("jitter", "rotation", "scale"),
}


class Slice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The samples whose origin matches a pattern, as `*/night/*`, and what must hold on them: `least`, `drop`."""

    origin: str
    least: Fraction | None = None
    drop: Fraction | None = None


class Gate(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a challenger must hold on held-out samples: floors, and not to be worse, or dearer, than the champion.

    `floors` maps names of `Scores.flat()` to the least value; `significance` is the level of all paired tests together;
    with `better` a challenger must be better by that test, not only not worse. The ratios are to the champion's.
    """

    floors: dict[str, Fraction] = {}
    significance: Annotated[float, Meta(gt=0, lt=1)] = 0.05
    better: bool = False
    class_drop: Fraction | None = 0.1
    max_ece: Fraction | None = None
    robustness: Robustness = Robustness()
    slices: dict[str, Slice] = {}
    max_latency_ratio: Factor | None = None
    max_size_ratio: Factor | None = None
    max_memory_ratio: Factor | None = None


class Triggers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When the loop starts by itself: after that many new labels or predictions, or by a cron expression (UTC).

    Also when of the last `quality_over` predictions that people answered a smaller share than `quality` was right. 0
    and "" mean never. No trigger starts a run within `cooldown_minutes` of the last one's beginning, beyond
    `budget_minutes` of runs in `budget_days`, or for less than `least_gain` of accuracy that may be expected.
    """

    labels: Count = 0
    predictions: Count = 0
    schedule: str = ""
    quality: Fraction = 0.0
    quality_over: Positive = 100
    cooldown_minutes: Annotated[float, Meta(ge=0, le=_YEAR_MINUTES)] = 0.0
    budget_minutes: Annotated[float, Meta(ge=0)] = 0.0
    budget_days: Annotated[float, Meta(gt=0, le=365)] = 7.0
    least_gain: Fraction = 0.0


class Answers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an answer carries beside the class: a command per class, for projects whose users consume commands.

    `threshold` is the least score of the boxes that a detector answers with.
    """

    commands: dict[str, str] = {}
    threshold: Fraction = 0.25


class Videos(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the project's videos are worked on: with `track` things are followed, and have ids; else boxes stand alone.

    The model sees every `every`-th frame, where nobody says otherwise.
    """

    track: bool = True
    every: Annotated[int, Meta(ge=1, le=25)] = 1


class Recipe(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A project's declaration; the keys of its TOML file are the fields here, documented in docs/recipes.md."""

    name: str
    title: str = ""
    task: str
    classes: tuple[str, ...]
    input: Input
    train: Train
    data: Data = Data()
    split: Split = Split()
    gate: Gate = Gate()
    triggers: Triggers = Triggers()
    answers: Answers = Answers()
    videos: Videos = Videos()
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse a name that no URL could carry, doubled classes, and names of classes that are not there."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"the project's name {self.name!r} is not lower-case letters, digits and dashes")
        if self.name in RESERVED:
            raise ValueError(f"a project cannot be named {self.name!r}, which stands in the API's own paths")
        takes = _KINDS.get(self.task, self.input.kind)
        if self.input.kind != takes:
            raise ValueError(f"input.kind is {self.input.kind!r}, where the task {self.task!r} takes {takes!r}")
        # One class is no choice for a classifier; a detector looks for it.
        least = 1 if self.task == "detection" else 2
        if len(self.classes) < least or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must be {('one', 'two')[least - 1]} or more, each once")
        for label in self.classes:
            if not label or label != label.strip():
                raise ValueError(f"the class {label!r} is empty, or begins or ends with a space")
        for key, named in (("answers.commands", self.answers.commands.keys()), ("aliases", self.aliases.values())):
            for label in named:
                if label not in self.classes:
                    raise ValueError(f"{key} names {label!r}, which is {nearest(label, self.classes)}")
        if self.task == "detection" and (self.gate.robustness.rules() or self.gate.slices or self.gate.max_ece):
            raise ValueError("gate.robustness, gate.slices and gate.max_ece are for classifiers")
        for kind in self.gate.robustness.rules():
            if kind not in CORRUPTIONS[self.input.kind]:
                raise ValueError(f"gate.robustness.{kind} is not for {self.input.kind}")

    def label(self, text: str) -> str | None:
        """The class that a person's spelling means, or None."""
        if text in self.classes:
            return text
        return self.aliases.get(text)

    @classmethod
    def parse(cls, text: str, origin: str = "the recipe") -> Recipe:
        """The recipe in a TOML text. Raises BadRecipe with the line, key, or nearest known key."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadRecipe(f"{origin} is not TOML: {error}") from error
        return cls.of(table, origin)

    @classmethod
    def of(cls, table: dict[str, Any], origin: str = "the recipe") -> Recipe:
        """The recipe in a table of plain values."""
        return read(table, cls, origin)
