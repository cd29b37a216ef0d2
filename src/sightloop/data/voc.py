"""Pascal VOC: an XML file for each image, and lists of which images belong to which side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from sightloop.data.marked import SIDES, Marked, Samples, labelled, side_in
from sightloop.data.trees import IMAGES, Tree
from sightloop.errors import BadData
from sightloop.values.sample import Side


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
    lists = _sides(tree)
    images = [
        Marked(
            document.image,
            tuple((one.findtext("name") or "").strip() for one in document.root.iter("object")),
            lists.get(PurePosixPath(document.name).stem, side_in(document.image)),
        )
        for document in documents(tree)
    ]
    return labelled(tree, images)


class _Plain(ElementTree.TreeBuilder):
    """Builds elements of a document that declares no type: entities, which can grow without bounds, need one."""

    def doctype(self, name: str, *_: object) -> None:
        raise BadData(f"the XML declares a document type ({name})", expected="plain elements, as VOC has them")


def _parse(name: str, data: bytes) -> Element:
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_Plain()))  # noqa: S314 - no entities, see _Plain
    except ElementTree.ParseError as error:
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
