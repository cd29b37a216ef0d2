"""Pascal VOC: an XML file for each image, and lists of which images belong to which side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sightloop.data.marked import SIDES, Marked, Samples, box, labelled, side_in
from sightloop.data.trees import IMAGES, Tree
from sightloop.errors import BadData
from sightloop.values.box import Box
from sightloop.values.sample import Side

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Document(NamedTuple):
    """An annotation file: its name, the image that it speaks of, and its root element."""

    name: str
    image: str
    root: Element


def documents(tree: Tree) -> Iterator[Document]:
    """The annotation files of a tree, other XML passed over. Raises BadData where one cannot be read."""
    names = tree.ending(".xml")
    for name, data in zip(names, tree.fetch(names), strict=True):
        root = _parse(name, data)
        if root.tag == "annotation":
            yield Document(name, _image(tree, name, root), root)


def read(tree: Tree) -> Samples:
    """The images of a tree as samples, each of the one class of the objects on it.

    Sides are those of the lists in `ImageSets/Main`, else those in the folders' names. Raises BadData for images with
    objects of several classes, and for images that are not there.
    """
    return labelled(tree, boxed(tree))


def boxed(tree: Tree) -> list[Marked]:
    """The images of a tree with the boxes of their objects. Raises BadData, also for a box that is none."""
    lists = _sides(tree)
    return [
        Marked(
            document.image,
            tuple((one.findtext("name") or "").strip() for one in document.root.iter("object")),
            lists.get(PurePosixPath(document.name).stem, side_in(document.image)),
            tuple(_box(document.name, one) for one in document.root.iter("object") if one.find("bndbox") is not None),
        )
        for document in documents(tree)
    ]


def _box(name: str, element: Element) -> Box:
    try:
        # VOC counts pixels from 1, and both corners are inside.
        x1, y1, x2, y2 = (float(element.findtext(f"bndbox/{side}") or "") for side in _CORNERS)
    except ValueError as error:
        raise BadData(f"{name} has a bndbox that is no box: {error}", expected=", ".join(_CORNERS)) from error
    return box(name, (element.findtext("name") or "").strip(), (x1 - 1, y1 - 1, x2, y2))


class _Plain(ElementTree.TreeBuilder):
    """Builds elements of a document that declares no type: entities, which can grow without bounds, need one."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def doctype(self, name: str, *_: object) -> None:
        raise BadData(f"{self._file} declares a document type ({name})", expected="plain elements, as VOC has them")


def _parse(name: str, data: bytes) -> Element:
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_Plain(name)))  # noqa: S314 - no entities, see _Plain
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter two for odd encodings
        raise BadData(f"{name} is no XML: {error}") from error


def _image(tree: Tree, name: str, root: Element) -> str:
    said, stem = (root.findtext("filename") or "").strip(), PurePosixPath(name).stem
    # Many files are renamed and their annotations not: the image of the same name is as good.
    for wanted in (said, *(stem + suffix for suffix in IMAGES)):
        found = tree.find(wanted, near=name) if wanted else None
        if found is not None:
            return found
    raise BadData(f"the image of {name} is not in {tree.root}", got=said or "no filename")


def _sides(tree: Tree) -> dict[str, Side]:
    sides: dict[str, Side] = {}
    for name in tree.ending(".txt"):
        path = PurePosixPath(name)
        if path.parts[-3:-1] == ("ImageSets", "Main") and path.stem in SIDES:
            sides |= dict.fromkeys(tree.read(name).decode(errors="replace").split(), SIDES[path.stem])
    return sides
