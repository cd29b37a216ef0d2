"""A data set as folders of images: one folder for each class, perhaps below `train/`, `valid/` and `test/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightloop.errors import BadData
from sightloop.values.sample import Labelled, Side

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
SIDES = {
    "train": Side.TRAIN,
    "training": Side.TRAIN,
    "valid": Side.VALIDATION,
    "val": Side.VALIDATION,
    "validation": Side.VALIDATION,
    "test": Side.TEST,
    "testing": Side.TEST,
}


def read(folder: Path) -> Iterator[Labelled]:
    """The images of a folder, labelled by the name of the folder that each lies in, in a fixed order.

    Where all folders on the first level are named like sides, the samples are pinned to them and the classes lie
    one level below. Raises BadData where there are no images in folders.
    """
    if not folder.is_dir():
        raise BadData(f"{folder} is no folder", expected="a folder with one folder of images for each class")
    found = False
    for side, classes in _roots(folder):
        for path in _images(classes):
            found = True
            yield Labelled(content=path.read_bytes(), label=path.parent.name, side=side, origin=str(path))
    if not found:
        raise BadData(
            f"no images in {folder}",
            expected=f"one folder for each class with files {', '.join(SUFFIXES)}",
            got=", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "an empty folder",
        )


def _roots(folder: Path) -> list[tuple[Side | None, Path]]:
    folders = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    if folders and all(entry.name.lower() in SIDES for entry in folders):
        return [(SIDES[entry.name.lower()], entry) for entry in folders]
    return [(None, folder)]


def _images(classes: Path) -> Iterator[Path]:
    for folder in sorted(entry for entry in classes.iterdir() if entry.is_dir()):
        yield from sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
