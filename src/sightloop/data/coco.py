"""COCO: a JSON file with the images, the categories, and what is marked on each image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from sightloop.data.marked import Marked, Samples, box, labelled, side_in
from sightloop.data.trees import Tree
from sightloop.errors import BadData
from sightloop.values.box import Box

_PARTS = ("images", "annotations", "categories")
_SHOWN = 3


class Category(Struct, frozen=True):
    """A class."""

    id: int | str
    name: str


class Picture(Struct, frozen=True):
    """An image, and the file that it is in."""

    id: int | str
    file_name: str


class Annotation(Struct, frozen=True):
    """One thing that is marked on an image."""

    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float] | None = None


class Table(Struct, frozen=True):
    """A COCO file; what else stands in it is passed over."""

    images: list[Picture]
    annotations: list[Annotation]
    categories: list[Category]


class _Outline(Struct, frozen=True):
    images: msgspec.Raw = msgspec.Raw()
    annotations: msgspec.Raw = msgspec.Raw()
    categories: msgspec.Raw = msgspec.Raw()


def tables(tree: Tree, names: Iterable[str] | None = None) -> dict[str, Table]:
    """The COCO files of a tree, or those of these names, by name; other JSON, as captions, is passed over.

    Raises BadData for one that has COCO's three parts but cannot be read.
    """
    chosen = tree.ending(".json") if names is None else list(names)
    found = ((name, _table(name, data)) for name, data in zip(chosen, tree.fetch(chosen), strict=True))
    return {name: table for name, table in found if table is not None}


def read(tree: Tree, found: dict[str, Table]) -> Samples:
    """The images of a tree as samples, each of the one category that is marked on it.

    The side is the one in the name or folder of the COCO file. Raises BadData for images of several categories, and
    for files that are not there.
    """
    return labelled(tree, boxed(tree, found))


def boxed(tree: Tree, found: dict[str, Table]) -> list[Marked]:
    """The images of a tree with the boxes that are marked on them. Raises BadData as `read` does."""
    return [one for name, table in found.items() for one in _marked(tree, name, table)]


def _table(name: str, data: bytes) -> Table | None:
    try:
        outline = msgspec.json.decode(data, type=_Outline)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None  # not COCO, nor meant to be
    if not all(bytes(getattr(outline, part)) for part in _PARTS):
        return None
    try:
        return msgspec.json.decode(data, type=Table)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadData(f"{name} is not COCO as it is published: {error}", expected=", ".join(_PARTS)) from error


def _marked(tree: Tree, name: str, table: Table) -> Iterator[Marked]:
    categories = {category.id: category.name for category in table.categories}
    marks = defaultdict[int | str, list[str]](list)
    boxes = defaultdict[int | str, list[Box]](list)
    for mark in table.annotations:
        if mark.category_id not in categories:
            raise BadData(f"{name} has no category {mark.category_id!r}, but marks image {mark.image_id!r} with it")
        label = categories[mark.category_id]
        marks[mark.image_id].append(label)
        x, y, width, height = mark.bbox or (0.0, 0.0, 0.0, 0.0)
        if x + width > x and y + height > y:
            boxes[mark.image_id].append(box(name, label, (x, y, x + width, y + height)))
    files = {picture.id: tree.find(picture.file_name, near=name) for picture in table.images}
    missing = [picture.file_name for picture in table.images if files[picture.id] is None]
    if missing:
        raise BadData(
            f"{len(missing)} of the {len(table.images)} images in {name} are not in {tree.root}, or not just once",
            got=", ".join(missing[:_SHOWN]),
            hint="Put the images beside the file, or below it.",
        )
    for image, file in files.items():
        if file is not None:
            yield Marked(file, tuple(marks[image]), side_in(name), tuple(boxes[image]))
