"""Images with boxes, in the forms in which detectors' data come: COCO, YOLO and VOC."""

from __future__ import annotations

from collections.abc import Sequence

from sightloop.data import coco, marked, voc, yolo
from sightloop.data.marked import Marked, Samples, box
from sightloop.data.trees import Tree
from sightloop.data.yolo import Declaration, Picture
from sightloop.errors import BadData, BadInput
from sightloop.values.box import Box
from sightloop.values.image import Image


def of(tree: Tree) -> Samples:
    """The images of a tree with all boxes on them, on the sides where their data set keeps them.

    An image without a box is a sample too. Raises BadData for what is none of the three forms.
    """
    tables = coco.tables(tree)
    if tables:
        return samples(tree, coco.boxed(tree, tables))
    declared = yolo.declaration(tree)
    if declared is not None:
        return _yolo(tree, declared)
    if next(voc.documents(tree), None) is not None:
        return samples(tree, voc.boxed(tree))
    raise BadData(
        f"{tree.root} has no boxes in a form that is known",
        expected="COCO (.json), YOLO (data.yaml) or VOC (.xml)",
        hint="A folder for each class is for a project that tells whole images apart.",
    )


def samples(tree: Tree, images: Sequence[Marked]) -> Samples:
    """Images whose boxes are known, as samples."""
    return marked.samples(tree, images, lambda one, _: ("", one.boxes))


def _yolo(tree: Tree, declared: Declaration) -> Samples:
    """YOLO gives fractions of the image's size, so its boxes are known when the image is there."""
    found = {one.image: one for one in yolo.pictures(tree, declared)}
    images = [Marked(one.image, (), one.side) for one in found.values()]
    return marked.samples(tree, images, lambda one, content: ("", _in_pixels(found[one.image], content, declared)))


def _in_pixels(picture: Picture, content: bytes, declared: Declaration) -> tuple[Box, ...]:
    """The boxes of one image; a polygon, as segmentation sets have them, becomes the box around it.

    A mark without an area is left out; an image that cannot be read has none, and is refused where it is taken in.
    """
    try:
        width, height = Image.size_of(content)
    except BadInput:
        return ()
    boxes = []
    for number, shape in picture.marks:
        label = yolo.named(declared, number, picture.image)
        if len(shape) == 4:
            x, y, wide, high = shape
            xs, ys = (x - wide / 2, x + wide / 2), (y - high / 2, y + high / 2)
        elif len(shape) >= 6 and len(shape) % 2 == 0:
            xs, ys = (min(shape[::2]), max(shape[::2])), (min(shape[1::2]), max(shape[1::2]))
        else:
            raise BadData(
                f"a mark of {picture.image} is no box", expected="x y width height, or a polygon", got=str(shape)[:80]
            )
        if xs[0] < xs[1] and ys[0] < ys[1]:
            corners = (xs[0] * width, ys[0] * height, xs[1] * width, ys[1] * height)
            boxes.append(box(picture.image, label, corners))
    return tuple(boxes)
