"""COCO's class labels: one category for each image, in each of the places where the files lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.data.painted import paint

from sightloop.data import sources
from sightloop.errors import BadData
from sightloop.values.sample import Side

CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}]


def write(path: Path, marked: dict[str, list[int]], **parts: Any) -> None:
    """A COCO file of images with these categories marked on them."""
    table = {
        "info": {"year": 2026},
        "images": [{"id": n, "file_name": name, "width": 4, "height": 4} for n, name in enumerate(marked)],
        "annotations": [
            {"id": 10 * n + place, "image_id": n, "category_id": one, "bbox": [0, 0, 4, 4]}
            for n, marks in enumerate(marked.values())
            for place, one in enumerate(marks)
        ],
        "categories": CATEGORIES,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table | parts))


def test_the_published_layout_with_its_sides(tmp_path: Path) -> None:
    for number, side in enumerate(("train2017", "val2017", "test2017")):
        paint(tmp_path / side / "a.png", number)
        write(tmp_path / "annotations" / f"instances_{side}.json", {f"{side}/a.png": [7, 7]})
    (tmp_path / "annotations" / "captions_train2017.json").write_text(json.dumps({"images": [], "annotations": []}))
    (tmp_path / "notes.json").write_text("no JSON at all")
    (tmp_path / "deep.json").write_text('{"images": ' + "[" * 100_000)
    found = {(item.label, item.side) for item in sources.read(tmp_path)}
    assert found == {("dog", Side.TRAIN), ("dog", Side.VALIDATION), ("dog", Side.TEST)}


def test_a_single_file_with_its_images_beside_it(tmp_path: Path) -> None:
    paint(tmp_path / "images" / "a.png", 1)
    paint(tmp_path / "b.png", 2)
    write(tmp_path / "labels.json", {"a.png": [1], "b.png": []})
    write(tmp_path / "others.json", {"gone.png": [1]})
    assert [(item.label, item.side) for item in sources.read(tmp_path / "labels.json")] == [("cat", None), ("", None)]
    (tmp_path / "plain.json").write_text("{}")
    with pytest.raises(BadData, match="is no COCO file"):
        sources.read(tmp_path / "plain.json")


def test_an_image_of_several_categories_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    write(tmp_path / "labels.json", {"a.png": [1, 7]})
    with pytest.raises(BadData, match=r"several classes.*a\.png \(cat, dog\)"):
        sources.read(tmp_path)


def test_images_that_are_not_there_are_told(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    write(tmp_path / "labels.json", {"a.png": [1], "b.png": [1], "../../b.png": [1]})
    with pytest.raises(BadData, match=r"2 of the 3 images in labels\.json are not in .*b\.png, \.\./\.\./b\.png"):
        sources.read(tmp_path)


def test_a_file_that_is_not_as_published_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    write(tmp_path / "labels.json", {"a.png": [2]})
    with pytest.raises(BadData, match="has no category 2, but marks image 0"):
        sources.read(tmp_path)
    write(tmp_path / "labels.json", {"a.png": [1]})
    (tmp_path / "labels.json").write_bytes((tmp_path / "labels.json").read_bytes().replace(b"a.png", b"\xff.png"))
    with pytest.raises(BadData, match=r"labels\.json is not COCO as it is published: 'utf-8'"):
        sources.read(tmp_path)
    write(tmp_path / "labels.json", {"a.png": [1]}, images=[{"id": 0}])
    with pytest.raises(BadData, match=r"labels\.json is not COCO as it is published: .*file_name"):
        sources.read(tmp_path)
