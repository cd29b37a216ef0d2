"""A dataset version with boxes as a folder that other tools read: YOLO, COCO or VOC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import yaml  # type: ignore[import-untyped]

from sightloop.values.box import Box
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Side

Sized = Iterator[tuple[Entry, bytes, str, tuple[int, int]]]
"""Samples, each with its content, the ending of its file's name, and its (width, height) as the picture stands."""

_FOLDERS = {Side.TRAIN: "train", Side.VALIDATION: "valid", Side.TEST: "test"}


def write_yolo(manifest: Manifest, sized: Sized, to: Path) -> int:
    """`data.yaml`, and `train`, `valid` and `test` with `images` and `labels`; how many images."""
    places = {label: place for place, label in enumerate(manifest.classes)}
    for name in _FOLDERS.values():
        (to / name / "images").mkdir(parents=True)
        (to / name / "labels").mkdir()
    written = 0
    for entry, content, suffix, size in sized:
        folder = to / _FOLDERS[entry.side]
        (folder / "images" / f"{entry.digest}{suffix}").write_bytes(content)
        lines = [_line(box, places[box.label], size) for box in entry.boxes or ()]
        (folder / "labels" / f"{entry.digest}.txt").write_text("".join(lines), encoding="utf-8")
        written += 1
    sides = {"train": "train/images", "val": "valid/images", "test": "test/images"}
    declared = {"path": ".", **sides, "nc": len(places), "names": list(places)}
    (to / "data.yaml").write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
    return written


def write_coco(manifest: Manifest, sized: Sized, to: Path) -> int:
    """`images`, and `train.json`, `validation.json` and `test.json`; how many images."""
    (to / "images").mkdir(parents=True)
    places = {label: place for place, label in enumerate(manifest.classes, start=1)}  # COCO counts from 1
    categories = [{"id": place, "name": label} for label, place in places.items()]
    parts: dict[Side, dict[str, list[Any]]] = {
        side: {"images": [], "annotations": [], "categories": categories} for side in Side
    }
    marks = written = 0
    for written, (entry, content, suffix, (width, height)) in enumerate(sized, start=1):
        name = f"images/{entry.digest}{suffix}"
        (to / name).write_bytes(content)
        part = parts[entry.side]
        part["images"].append({"id": written, "file_name": name, "width": width, "height": height})
        for box in entry.boxes or ():
            marks += 1
            bbox = [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1]
            told = {"id": marks, "image_id": written, "category_id": places[box.label], "bbox": bbox}
            part["annotations"].append(told | {"area": box.area, "iscrowd": 0})
    for side, part in parts.items():
        (to / f"{side}.json").write_bytes(msgspec.json.encode(part))
    return written


def write_voc(manifest: Manifest, sized: Sized, to: Path) -> int:  # noqa: ARG001 - VOC lists no classes
    """`JPEGImages`, `Annotations` and the lists of `ImageSets/Main`; how many images."""
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (to / name).mkdir(parents=True)
    names: dict[Side, list[str]] = {side: [] for side in Side}
    for entry, content, suffix, (width, height) in sized:
        (to / "JPEGImages" / f"{entry.digest}{suffix}").write_bytes(content)
        root = ElementTree.Element("annotation")
        _add(root, filename=f"{entry.digest}{suffix}")
        _add(ElementTree.SubElement(root, "size"), width=width, height=height, depth=3)
        for box in entry.boxes or ():
            thing = ElementTree.SubElement(root, "object")
            _add(thing, name=box.label)
            # VOC counts pixels from 1, and both corners are inside.
            _add(ElementTree.SubElement(thing, "bndbox"), xmin=box.x1 + 1, ymin=box.y1 + 1, xmax=box.x2, ymax=box.y2)
        (to / "Annotations" / f"{entry.digest}.xml").write_bytes(ElementTree.tostring(root))
        names[entry.side].append(entry.digest)
    for side, some in names.items():
        name = "val" if side is Side.VALIDATION else str(side)
        (to / "ImageSets/Main" / f"{name}.txt").write_text("".join(f"{one}\n" for one in some), encoding="utf-8")
    return sum(len(some) for some in names.values())


def _line(box: Box, place: int, size: tuple[int, int]) -> str:
    width, height = size
    x, y = (box.x1 + box.x2) / 2 / width, (box.y1 + box.y2) / 2 / height
    return f"{place} {x:.7f} {y:.7f} {(box.x2 - box.x1) / width:.7f} {(box.y2 - box.y1) / height:.7f}\n"


def _add(parent: ElementTree.Element, **texts: object) -> None:
    for name, text in texts.items():
        ElementTree.SubElement(parent, name).text = str(text)
