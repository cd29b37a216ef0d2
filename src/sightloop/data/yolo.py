"""YOLO: a `data.yaml` with the classes and the folders of the sides, and a text file of marks beside each image.

Ultralytics' classification sets have no `data.yaml`: they are folders of images, `train/CLASS/a.jpg`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from sightloop.data.marked import SIDES, Marked, Samples, labelled
from sightloop.data.trees import Tree
from sightloop.errors import BadData
from sightloop.values.sample import Side

LARGEST = 2**20
"""The most bytes of a `data.yaml`: YAML is slow to read."""


class Declaration(NamedTuple):
    """A `data.yaml`: its name, the classes by number, and the places of each side's images."""

    name: str
    classes: dict[int, str]
    places: dict[Side, list[str]]


class Picture(NamedTuple):
    """An image, its side, and the lines of its label file: the class's number, and the numbers of the shape."""

    image: str
    side: Side
    marks: list[tuple[int, list[float]]]


def declaration(tree: Tree) -> Declaration | None:
    """The tree's `data.yaml`, whatever its name: the YAML file with `names` and the places of sides. Raises BadData."""
    for name in tree.ending(".yaml", ".yml"):
        data = tree.read(name)
        if len(data) > LARGEST:
            raise BadData(f"{name} is too large", expected=f"at most {LARGEST:,} bytes", got=f"{len(data):,} bytes")
        try:
            table = yaml.safe_load(data)
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # a ValueError for a date that there is not
            raise BadData(f"{name} is no YAML: {error}") from error
        if isinstance(table, dict) and "names" in table and any(key in SIDES for key in table):
            return Declaration(name, _classes(name, table["names"]), _places(table))
    return None


def pictures(tree: Tree, declared: Declaration) -> Iterator[Picture]:
    """The images of all sides with what is marked on them; one without a label file has no marks. Raises BadData."""
    base = str(PurePosixPath(declared.name).parent)
    images = [(image, side) for side, places in declared.places.items() for image in _within(tree, base, places)]
    if not images:
        raise BadData(
            f"{declared.name} leads to no images",
            expected="the folder of images of each side, as train: train/images",
            got=", ".join(place for places in declared.places.values() for place in places)[:80],
        )
    texts = [_labels(tree, image) for image, _ in images]
    contents = tree.fetch([text for text in texts if text is not None])
    for (image, side), text in zip(images, texts, strict=True):
        yield Picture(image, side, [] if text is None else _marks(text, next(contents)))


def read(tree: Tree, declared: Declaration) -> Samples:
    """The images as samples, each of the one class that is marked on it. Raises BadData for images of several."""
    return labelled(
        tree,
        [
            Marked(one.image, tuple(named(declared, number, one.image) for number, _ in one.marks), one.side)
            for one in pictures(tree, declared)
        ],
    )


def _classes(name: str, names: Any) -> dict[int, str]:
    pairs = names.items() if isinstance(names, dict) else enumerate(names if isinstance(names, list) else [])
    try:
        found = {int(number): _text(label) for number, label in pairs}
    except (TypeError, ValueError, OverflowError):
        found = {}
    if not found:
        raise BadData(f"{name}: `names` is no list of classes", expected="names: [cat, dog]", got=type(names).__name__)
    return found


def _text(label: Any) -> str:
    # Looked at before it is written as text: few lines of YAML make a list of lists whose text fills the memory.
    if not isinstance(label, str | int | float):
        raise TypeError(label)
    return str(label)


def _places(table: dict[Any, Any]) -> dict[Side, list[str]]:
    places: dict[Side, list[str]] = {}
    for key, said in table.items():
        if key in SIDES and said:
            some = said if isinstance(said, list) else [said]
            places.setdefault(SIDES[key], []).extend(_plain(table, one) for one in some if isinstance(one, str))
    return places


def _plain(table: dict[Any, Any], place: str) -> str:
    """A place below the data set's own folder: what comes before it is another machine's."""
    said = table.get("path")
    root = said.rstrip("/") if isinstance(said, str) else ""
    return f"{place}/".removeprefix(f"{root}/" if root else "").replace("\\", "/").lstrip("./").rstrip("/")


def _within(tree: Tree, base: str, places: list[str]) -> list[str]:
    folders = [str(PurePosixPath(base) / place) for place in places]
    starts = tuple("" if folder == "." else f"{folder}/" for folder in folders)
    return [image for image in tree.images if image.startswith(starts)]


def _labels(tree: Tree, image: str) -> str | None:
    """The label file: in `labels` where the image is in `images`, else beside it."""
    path = PurePosixPath(image).with_suffix(".txt")
    parts = list(path.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return next((name for name in (str(PurePosixPath(*parts)), str(path)) if name in tree), None)


def _marks(name: str, data: bytes) -> list[tuple[int, list[float]]]:
    marks = []
    for line in data.decode(errors="replace").splitlines():
        try:
            number, *shape = line.split() or [""]
            if number:
                marks.append((int(number), [_finite(part) for part in shape]))
        except ValueError as error:
            raise BadData(f"{name} is no file of YOLO's labels: {error}", got=line[:80]) from error
    return marks


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no place")
    return number


def named(declared: Declaration, number: int, image: str) -> str:
    """The class of this number. Raises BadData."""
    if number not in declared.classes:
        raise BadData(f"{image} is marked with class {number}, which {declared.name} does not name")
    return declared.classes[number]
