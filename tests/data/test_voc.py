"""VOC's class labels: the one class of an image's objects, and the sides that the set lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.painted import paint

from sightloop.data import sources
from sightloop.errors import BadData
from sightloop.values.sample import Side


def write(path: Path, file: str, *classes: str) -> None:
    """An annotation file of objects of these classes."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></object>"
        for name in classes
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{file}</filename>{objects}</annotation>")


def test_the_published_layout_with_its_lists(tmp_path: Path) -> None:
    root = tmp_path / "VOC2012"
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for number, side in enumerate(("train", "val", "test")):
        paint(root / "JPEGImages" / f"{number}.png", number)
        write(root / "Annotations" / f"{number}.xml", f"{number}.png", "cat", "cat")
        (root / "ImageSets" / "Main" / f"{side}.txt").write_text(f"{number}\n")
        (root / "ImageSets" / "Main" / f"cat_{side}.txt").write_text(f"{number} -1\n")
    found = [(item.label, item.side) for item in sources.read(tmp_path)]
    assert found == [("cat", Side.TRAIN), ("cat", Side.VALIDATION), ("cat", Side.TEST)]


def test_files_side_by_side_in_folders_of_sides(tmp_path: Path) -> None:
    for number, side in enumerate(("train", "valid", "test")):
        paint(tmp_path / side / "new.png", number)
        write(tmp_path / side / "new.xml", "old-name.png", "dog")
    assert {item.side for item in sources.read(tmp_path)} == set(Side)


def test_what_cannot_be_a_class_label_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    write(tmp_path / "a.xml", "a.png", "cat", "dog")
    with pytest.raises(BadData, match=r"several classes.*a\.png \(cat, dog\)"):
        sources.read(tmp_path)
    write(tmp_path / "a.xml", "a.png")
    assert [item.label for item in sources.read(tmp_path)] == [""]
    write(tmp_path / "b.xml", "b.png", "cat")
    with pytest.raises(BadData, match=r"the image of b\.xml is not in .*b\.png"):
        sources.read(tmp_path)


def test_xml_that_could_grow_without_bounds_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", 1)
    laughs = '<!DOCTYPE annotation [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><annotation>&b;</annotation>'
    (tmp_path / "a.xml").write_text(laughs)
    with pytest.raises(BadData, match=r"a\.xml declares a document type"):
        sources.read(tmp_path)
    (tmp_path / "a.xml").write_text("<annotation>")
    with pytest.raises(BadData, match=r"a\.xml is no XML"):
        sources.read(tmp_path)
    for encoding in ("foo-bar", "utf-7"):
        (tmp_path / "a.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotation/>')
        with pytest.raises(BadData, match=r"a\.xml is no XML"):
            sources.read(tmp_path)
