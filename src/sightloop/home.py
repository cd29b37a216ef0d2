"""A home folder in Python: its projects, and what the commands do with them, as objects and plain values.

`sightloop.open` gives one. Whatever the command line does with a project, it does through here or beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import sources
from sightloop.errors import BadData, BadInput, BadLandmarks, NotReady
from sightloop.loop.judging import detecting, evaluation
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.judging.report import Report
from sightloop.loop.reporting import figures
from sightloop.loop.samples.collect import Collected, collect
from sightloop.serve import hands
from sightloop.serve.sight import Sight
from sightloop.settings import Settings, in_force
from sightloop.store import datasets, deployments, packages, runs, samples, versions
from sightloop.store.blobs import Blobs
from sightloop.telemetry import configure_logs
from sightloop.turn import Looks, ended_well, work
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.deployment import Deployment
from sightloop.values.image import Image
from sightloop.values.landmarks import Landmarks
from sightloop.values.package import Sealed
from sightloop.values.prediction import Answer, Detections
from sightloop.values.recipe import Recipe
from sightloop.values.run import Event, Run
from sightloop.values.sample import Labelled, Side
from sightloop.values.scores import DetectionScores, Scores
from sightloop.values.version import ModelVersion
from sightloop.wiring import Parts, build

Told = Callable[[Event], None]
Input = str | Path | bytes | NDArray[Any] | Sequence[Any]


class Home:
    """A home folder with its projects; to be closed, or used with `with`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @property
    def projects(self) -> tuple[str, ...]:
        """The names of all projects that there are recipes of."""
        return tuple(sorted(self.parts.recipes))

    def project(self, name: str) -> Project:
        """A project by its name. Raises NotFound, naming the nearest."""
        return Project(self.parts, self.parts.recipe(name))

    def close(self) -> None:
        """Give back the database's connections."""
        self.parts.close()

    def __enter__(self) -> Self:
        """The home itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        return f"<Home {self.parts.settings.home}: {', '.join(self.projects)}>"


def open(folder: str | Path | None = None) -> Home:
    """The home in a folder, made where it is not there; that of the settings (`SIGHTLOOP_HOME`) if left out.

    All other settings are those of the environment. Warnings are logged to standard error, unless structlog was
    configured before. Raises BadInput for a setting that cannot be used, and what `wiring.build` raises.
    """
    if not structlog.is_configured():
        configure_logs("WARNING", "console")
    return Home(build(in_force() if folder is None else in_force(home=Path(folder))))


class Project:
    """A project of a home. Its model is opened at the first prediction and kept until another one is the champion."""

    def __init__(self, parts: Parts, recipe: Recipe) -> None:
        self.recipe = recipe
        self._parts = parts
        self._sight: tuple[int, Sight] | None = None

    @property
    def name(self) -> str:
        """The project's name."""
        return self.recipe.name

    @property
    def _boxed(self) -> bool:
        return bool(plugins.load("tasks", self.recipe.task).boxed)

    @property
    def models(self) -> Sequence[ModelVersion]:
        """All versions, newest first, those that were refused too."""
        with self._parts.database.read() as connection:
            return versions.list(connection, self.name)

    def model(self, number: int | None = None) -> ModelVersion:
        """A version by its number, or the champion. Raises NotFound, and NotReady where nothing was trained yet."""
        return self._parts.version(self.name, number)

    def add(self, data: str | Path | Iterable[Labelled], author: str = "python") -> Collected:
        """Import labelled samples: a folder, file or bucket of a known form, or samples; what became of them.

        The same again changes nothing. Raises BadData for a form that is not known.
        """
        items = sources.read(data, boxed=self._boxed) if isinstance(data, str | Path) else data
        return collect(
            self._parts.database,
            self._parts.blobs,
            self.recipe,
            items,
            author=author,
            source="import",
            max_pixels=self._parts.settings.max_image_pixels,
        )

    def train(self, epochs: int | None = None, told: Told | None = None) -> Run:
        """Train, check, and let the new model serve if the gate accepts it; `told` hears what happens meanwhile.

        Without samples the first source of the recipe that can be had is imported. A model that the gate refuses is a
        good end too: see the run's `status` and `result`. Raises BadData without samples, Conflict where a run is
        open, Cancelled, and SightloopError for a run that failed.
        """
        settings, boxed = self._parts.settings, self._boxed
        first = first_source(self._parts, self.recipe, lambda name: sources.open(name, settings, boxed=boxed))
        if first is not None:
            self.add(first[1], author="recipe")
        given = {} if epochs is None else {"epochs": epochs}

        tell = told or (lambda _: None)

        def follow(looks: Looks) -> Run:
            for last, events in looks:
                row = last
                for event in events:
                    tell(event)
            return row

        return ended_well(work(self._parts, self.name, "python", given, follow))

    def evaluate(self, version: int | None = None) -> Scores | DetectionScores:
        """How good a version, or the champion, is on the held-out samples of now, through its package.

        Raises NotFound and NotReady.
        """
        package = packages.load(self._parts.blobs, self.model(version).package)
        entries = held_out(self._parts, self.recipe).on(Side.TEST)
        return answered(package, entries, self._parts.blobs, self._parts.settings).scores

    def figures(self, version: int | None = None) -> dict[str, str]:
        """The figures of a version's report, or the champion's, as SVG elements by name.

        Those are `confusion` (of a detector `precision`), `curves` of a training in epochs, and `classes`. Raises
        NotFound, and NotReady for a version that no run made. Needs the extra `train`.
        """
        chosen = self.model(version)
        scores = chosen.card.scores or chosen.card.detection
        if chosen.run is None or scores is None:
            raise NotReady(f"no run judged version {chosen.number} of {self.name}", hint="Evaluate it with a report.")
        with self._parts.database.read() as connection:
            found = runs.get(connection, chosen.run).result
            data = datasets.manifest(connection, self._parts.blobs, self.name, found["dataset"])
        return figures.inline(scores, found["curves"], data)

    def predict(self, given: Input, version: int | None = None) -> Answer | Detections:
        """What a version, or the champion, answers to one input; nothing is recorded.

        An image is a file's path, its bytes, or pixels (height, width, 3) uint8 in RGB. A hand is 63 numbers, (21, 3)
        or (21, 2) of them, a JSON file of them, or an image, in which it is found first. Raises BadInput for what is
        neither, NotFound, NotReady, and MissingExtra where hands cannot be found.
        """
        sight = self._opened(self.model(version))
        if sight.card.input.kind == "landmarks":
            return sight.read(self._hand(given).to_bytes(), max_pixels=0)
        if isinstance(given, str | Path | bytes):
            return sight.read(_file(given), max_pixels=self._parts.settings.max_image_pixels)
        return sight.answer(Image(np.asarray(given)).pixels)

    def promote(self, version: int, reason: str, author: str = "python") -> Deployment:
        """Make a version the champion.

        Raises NotFound, Conflict for one that the gate refused, and PackageRefused for a licence that is not allowed.
        """
        with self._parts.database.write() as connection:
            licences = self._parts.settings.licences
            return deployments.promote(connection, self.name, version, author, reason, licences=licences)

    def rollback(self, reason: str, author: str = "python") -> Deployment:
        """Go back to the champion before this one. Raises Conflict where there was none."""
        with self._parts.database.write() as connection:
            return deployments.rollback(connection, self.name, author, reason)

    def __repr__(self) -> str:
        return f"<Project {self.name}: {self.recipe.task} of {len(self.recipe.classes)} classes>"

    def _opened(self, version: ModelVersion) -> Sight:
        if self._sight is None or self._sight[0] != version.number:
            package = packages.load(self._parts.blobs, version.package)
            given = self._parts.settings
            sight = Sight(package, runtime=given.runtime(self.name), threads=given.threads)
            self._sight = version.number, sight
        return self._sight[1]

    def _hand(self, given: Input) -> Landmarks:
        if isinstance(given, str | Path) and Path(given).suffix == ".json":
            return _landmarks(given)
        if isinstance(given, str | Path | bytes):
            most = self._parts.settings.max_image_pixels
            pixels = Image.decode(_file(given), max_pixels=most, least=hands.ENOUGH).pixels
        elif isinstance(given, np.ndarray) and given.dtype == np.uint8:
            pixels = Image(given).pixels
        else:
            return Landmarks.of(given)
        return hands.opened(self._parts.settings.hands).find(pixels)


def held_out(parts: Parts, recipe: Recipe) -> Manifest:
    """The project's samples of now, frozen, with their sides."""
    frozen = datasets.freeze(parts.database, parts.blobs, recipe.name, recipe.classes)
    with parts.database.read() as connection:
        return datasets.manifest(connection, parts.blobs, recipe.name, frozen.number)


def answered(package: Sealed, entries: Sequence[Entry], blobs: Blobs, settings: Settings) -> Report | BoxReport:
    """What a package answers to these samples, and how good that is."""
    runtime, threads = settings.runtime(package.card.project), settings.threads
    if plugins.load("tasks", package.card.task).boxed:
        return detecting.evaluate(package, entries, blobs, runtime=runtime, threads=threads)
    return evaluation.evaluate(package, entries, blobs, runtime=runtime, threads=threads)


def first_source(
    parts: Parts, recipe: Recipe, open: Callable[[str], Iterable[Labelled] | None]
) -> tuple[str, Iterable[Labelled]] | None:
    """The first of the recipe's sources that `open` has, with its name; None where the project has samples already.

    Raises BadData where none can be had.
    """
    with parts.database.read() as connection:
        if any(samples.count(connection, recipe.name).values()):
            return None
    for name in recipe.data.sources:
        if (items := open(name)) is not None:
            return name, items
    raise BadData(
        f"{recipe.name} has no samples, and none of its sources can be had here",
        got=", ".join(recipe.data.sources) or "no sources in the recipe",
        hint=f"Bring data in with `sightloop data import {recipe.name} PATH`.",
    )


def _file(given: str | Path | bytes) -> bytes:
    if isinstance(given, bytes):
        return given
    try:
        return Path(given).read_bytes()
    except OSError as error:
        raise BadInput(f"{given} cannot be read: {error.strerror}") from error


def _landmarks(file: str | Path) -> Landmarks:
    try:
        numbers: Any = msgspec.json.decode(_file(file))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLandmarks(f"{file} is no JSON: {error}", expected="63 numbers, or 21 lists of x, y, z") from error
    return Landmarks.of(numbers["landmarks"] if isinstance(numbers, dict) and "landmarks" in numbers else numbers)
