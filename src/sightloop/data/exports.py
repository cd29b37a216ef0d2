"""A dataset version as a folder that other tools read: folders of classes or COCO; with boxes YOLO, COCO or VOC."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image, UnidentifiedImageError

from sightloop.data import box_exports
from sightloop.errors import BadInput, Conflict
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Side

Contents = Iterable[bytes]

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp"}


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
    sized = _sized(manifest.entries, contents)
    boxed = any(entry.boxes is not None for entry in manifest.entries)
    known = tuple(_BOXED) if boxed else (Form.FOLDER, Form.COCO)
    if form not in known:
        raise BadInput(f"{manifest.project} cannot be exported as {form}", expected=" or ".join(known))
    if boxed:
        return _BOXED[form](manifest, sized, to)
    return _write_folders(manifest, sized, to) if form is Form.FOLDER else _write_coco(manifest, sized, to)


Sized = Iterator[tuple[Entry, bytes, str, tuple[int, int]]]


def _sized(entries: tuple[Entry, ...], contents: Contents) -> Sized:
    """Each entry with its content, the ending of its file's name, and (width, height), read from the header alone."""
    for entry, content in zip(entries, contents, strict=True):
        try:
            with Image.open(io.BytesIO(content)) as image:
                suffix = _SUFFIXES.get(image.format or "", f".{(image.format or 'image').lower()}")
                yield entry, content, suffix, image.size
        except UnidentifiedImageError as error:
            raise BadInput(
                f"sample {entry.digest} is no image",
                expected="a project of images",
                hint="The archive of `sightloop data pull` holds every kind of sample.",
            ) from error


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


def _write_coco(manifest: Manifest, sized: Sized, to: Path) -> int:
    (to / "images").mkdir(parents=True)
    # COCO counts categories from 1.
    places = {label: number for number, label in enumerate(manifest.classes, start=1)}
    categories = [{"id": number, "name": label} for label, number in places.items()]
    parts: dict[Side, dict[str, list[Any]]] = {
        side: {"images": [], "annotations": [], "categories": categories} for side in Side
    }
    for number, (entry, content, suffix, (width, height)) in enumerate(sized, start=1):
        name = f"{entry.digest}{suffix}"
        (to / "images" / name).write_bytes(content)
        part = parts[entry.side]
        part["images"].append({"id": number, "file_name": f"images/{name}", "width": width, "height": height})
        box = {"bbox": [0, 0, width, height], "area": width * height, "iscrowd": 0}
        part["annotations"].append({"id": number, "image_id": number, "category_id": places[entry.label]} | box)
    for side, part in parts.items():
        (to / f"{side}.json").write_bytes(msgspec.json.encode(part))
    return sum(len(part["images"]) for part in parts.values())
