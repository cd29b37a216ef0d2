"""A dataset version as a folder that other tools read: folders of classes or COCO; with boxes YOLO, COCO or VOC."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import msgspec
import PIL.Image

from sightloop.data import box_exports
from sightloop.data.box_exports import Sized
from sightloop.errors import BadImage, BadInput, Conflict
from sightloop.values.box import Box
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.image import FORMATS, Image
from sightloop.values.sample import Side

Contents = Iterable[bytes]

# MPO is a JPEG with a second picture behind it, as many phones write it.
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}


class Form(StrEnum):
    """How an export is laid out."""

    FOLDER = "folder"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"


_BOXED = {Form.COCO: box_exports.write_coco, Form.YOLO: box_exports.write_yolo, Form.VOC: box_exports.write_voc}


def write(manifest: Manifest, contents: Contents, to: Path, form: Form) -> int:
    """Write a version's images to a new or empty folder; how many. The files are the very bytes that came in.

    folder: `SIDE/CLASS/DIGEST.png`, which `data import` reads back with the sides. coco: `images/DIGEST.png`, and
    `SIDE.json` with a box around the whole image for each. Samples with boxes: coco, yolo or voc, as each is
    published. Raises Conflict where the folder holds something, BadInput for samples that are no images, for a form
    that they do not have, and for classes whose names cannot be folders.
    """
    if to.is_file() or (to.is_dir() and any(to.iterdir())):
        raise Conflict(f"{to} is not empty", hint="Name a new folder.")
    rest = _sized(manifest.entries, contents)
    sized = itertools.chain(tuple(itertools.islice(rest, 1)), rest)  # what is no image makes no folder
    boxed = any(entry.boxes is not None for entry in manifest.entries)
    known = tuple(_BOXED) if boxed else (Form.FOLDER, Form.COCO)
    if form not in known:
        raise BadInput(f"{manifest.project} cannot be exported as {form}", expected=" or ".join(known))
    if form is Form.FOLDER:
        return _write_folders(manifest, sized, to)
    return _BOXED[form](manifest, sized if boxed else _whole(sized), to)


def _sized(entries: tuple[Entry, ...], contents: Contents) -> Sized:
    """Each entry with its content, the ending of its file's name, and (width, height), read from the header alone."""
    for entry, content in zip(entries, contents, strict=True):
        try:
            size = Image.size_of(content)
        except BadImage as error:
            raise BadInput(
                f"sample {entry.digest} is no image",
                expected="a project of images",
                hint="The archive of `sightloop data pull` holds every kind of sample.",
            ) from error
        yield entry, content, _suffix(content), size


def _suffix(content: bytes) -> str:
    with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as header:
        return _SUFFIXES[str(header.format)]


def _whole(sized: Sized) -> Sized:
    """Each sample of a class with a box of that class around the whole image."""
    for entry, content, suffix, (width, height) in sized:
        box = Box(label=entry.label, x1=0, y1=0, x2=width, y2=height)
        yield msgspec.structs.replace(entry, boxes=(box,)), content, suffix, (width, height)


def _write_folders(manifest: Manifest, sized: Sized, to: Path) -> int:
    for label in manifest.classes:
        if "/" in label or "\\" in label or label in ("", ".", ".."):
            raise BadInput(f"the class {label!r} cannot be a folder's name", hint="Export it as COCO.")
    for side in Side:
        for label in manifest.classes:
            (to / side / label).mkdir(parents=True)
    written = 0
    for entry, content, suffix, _ in sized:
        (to / entry.side / entry.label / f"{entry.digest}{suffix}").write_bytes(content)
        written += 1
    return written
