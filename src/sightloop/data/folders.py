"""A data set as folders of images: one folder for each class, perhaps below `train/`, `valid/` and `test/`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sightloop.data import trees
from sightloop.data.marked import SIDES, Marked, Samples, labelled
from sightloop.data.trees import IMAGES, Tree
from sightloop.errors import BadData


def read(folder: Path) -> Samples:
    """The images of a folder on this machine; see `of`."""
    return of(trees.folder(folder))


def of(tree: Tree) -> Samples:
    """The images of a tree, labelled by the name of the folder that each lies in, in a fixed order.

    Where all folders on the first level are named like sides, the samples are pinned to them and the classes lie
    one level below. One folder around everything is passed over. Raises BadData where there are no images in folders.
    """
    below = _unwrapped([(name, PurePosixPath(name).parts) for name in tree.images if "/" in name])
    sided = all(parts[0].lower() in SIDES and len(parts) > 2 for _, parts in below)
    images = [
        Marked(name, (parts[1],), SIDES[parts[0].lower()]) if sided else Marked(name, (parts[0],))
        for name, parts in below
    ]
    if not images:
        raise BadData(
            f"no images in {tree.root}",
            expected=f"one folder for each class with files {', '.join(IMAGES)}",
            got=", ".join(sorted({name.split("/")[0] for name in tree.names})[:5]) or "an empty folder",
        )
    return labelled(tree, images)


def _unwrapped(images: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """The images with the parts of their paths, without a folder that is around them all."""
    while images and len({parts[0] for _, parts in images}) == 1:
        first = images[0][1][0]
        if first.lower() in SIDES or any(len(parts) < 3 for _, parts in images):
            break
        images = [(name, parts[1:]) for name, parts in images]
    return images
