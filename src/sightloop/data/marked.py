"""Images with the labels that a data set gives them, whatever its form, on their way to be samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

from sightloop.data.trees import Tree
from sightloop.errors import BadData
from sightloop.values.box import Box
from sightloop.values.sample import Labelled, Side

SIDES = {
    "train": Side.TRAIN,
    "training": Side.TRAIN,
    "valid": Side.VALIDATION,
    "val": Side.VALIDATION,
    "validation": Side.VALIDATION,
    "test": Side.TEST,
    "testing": Side.TEST,
}
_SHOWN = 3


class Marked(NamedTuple):
    """An image of a tree, the names of all that is marked on it, and the side that its data set keeps it on.

    `boxes` are where it is marked, in the image's pixels, where the data set says so.
    """

    image: str
    labels: tuple[str, ...]
    side: Side | None = None
    boxes: tuple[Box, ...] = ()


Said = Callable[[Marked, bytes], tuple[str, tuple[Box, ...] | None]]
"""The label, or the boxes, of an image with this content."""


class Samples:
    """Samples read one by one; `operator.length_hint` says how many are left, for who shows progress."""

    def __init__(self, items: Iterator[Labelled], count: int) -> None:
        self._items = items
        self._left = count

    def __iter__(self) -> Self:
        """Itself."""
        return self

    def __next__(self) -> Labelled:
        """The next sample."""
        item = next(self._items)
        self._left -= 1
        return item

    def __length_hint__(self) -> int:
        """How many are left."""
        return self._left


def box(where: str, label: str, corners: tuple[float, float, float, float]) -> Box:
    """The box with these corners. Raises BadData, naming the file that has it, for one that is none."""
    x1, y1, x2, y2 = corners
    try:
        return Box(label=label, x1=x1, y1=y1, x2=x2, y2=y2)
    except ValueError as error:
        raise BadData(f"{where} has a box that is none: {error}", expected="corners in pixels, finite") from error


def labelled(tree: Tree, images: Sequence[Marked]) -> Samples:
    """The images as samples of one class each, in their order; one that nothing is marked on gets an empty label.

    Raises BadData where several things are marked on an image, before anything is read.
    """
    _refuse_several(tree, images)
    return samples(tree, images, lambda one, _: (next(iter(one.labels), ""), None))


def samples(tree: Tree, images: Sequence[Marked], said: Said) -> Samples:
    """The images as samples, in their order, on the sides that hold; `said` gives the label or the boxes of each."""
    settled, root = settle(images), tree.root.rstrip("/")
    contents = tree.fetch([one.image for one in settled])
    items = (
        Labelled(content=content, label=label, side=one.side, origin=_text(f"{root}/{one.image}"), boxes=boxes)
        for one, content in zip(settled, contents, strict=True)
        for label, boxes in (said(one, content),)
    )
    return Samples(items, len(settled))


def _text(name: str) -> str:
    """A file's name as text that can be kept: names of old disks need not be UTF-8."""
    return name.encode(errors="backslashreplace").decode()


def settle(images: Sequence[Marked]) -> list[Marked]:
    """The images with the sides that hold: where one of the three has none, no image is pinned to training.

    So a set that keeps only a test part apart gets a validation part too, by content, and its test part stays.
    """
    if {one.side for one in images} >= set(Side):
        return list(images)
    return [one._replace(side=None) if one.side is Side.TRAIN else one for one in images]


def side_in(path: str) -> Side | None:
    """The side that a path names, as `train/a.jpg` or `instances_val2017.json`: by the last part that names one."""
    for part in reversed(path.lower().split("/")):
        named = {SIDES[word] for word in re.findall(r"[a-z]+", part) if word in SIDES}
        if len(named) == 1:
            return named.pop()
    return None


def _refuse_several(tree: Tree, images: Sequence[Marked]) -> None:
    several = [one for one in images if len(set(one.labels)) > 1]
    if several:
        told = (f"{one.image} ({', '.join(sorted(set(one.labels)))})" for one in several[:_SHOWN])
        raise BadData(
            f"{len(several)} of {len(images)} images in {tree.root} are marked with several classes",
            expected="one class for each image",
            got="; ".join(told),
            hint="This project tells whole images apart; several things in one image are a detector's data.",
        )
