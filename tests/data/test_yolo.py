"""YOLO's class labels: folders for classification, and sets with a `data.yaml` where an image has one class."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.painted import paint

from sightloop.data import sources
from sightloop.errors import BadData
from sightloop.values.sample import Side

DECLARED = "path: /home/ann/set\ntrain: /home/ann/set/train/images\nval: ../valid/images\ntest: test/images\nnames: "


def write(root: Path, side: str, lines: str | None, value: int) -> None:
    paint(root / side / "images" / "a.png", value)
    if lines is not None:
        (root / side / "labels").mkdir()
        (root / side / "labels" / "a.txt").write_text(lines)


def test_folders_of_classes_below_folders_of_sides(tmp_path: Path) -> None:
    for number, side in enumerate(("train", "val", "test")):
        paint(tmp_path / side / "cat" / "a.png", number)
    assert {(item.label, item.side) for item in sources.read(tmp_path)} == {("cat", side) for side in Side}


@pytest.mark.parametrize("names", ["[cat, dog]", "{0: cat, 1: dog}"])
def test_a_set_with_a_declaration(tmp_path: Path, names: str) -> None:
    (tmp_path / "data.yaml").write_text(DECLARED + names)
    write(tmp_path, "train", "1 0.5 0.5 0.1 0.1\n\n1 0.2 0.2 0.1 0.1\n", 1)
    write(tmp_path, "valid", "0 0.5 0.5 0.1 0.1", 2)
    write(tmp_path, "test", None, 3)
    found = [(item.label, item.side) for item in sources.read(tmp_path)]
    assert found == [("dog", Side.TRAIN), ("cat", Side.VALIDATION), ("", Side.TEST)]


@pytest.mark.parametrize("place", [".", "./", "/home/ann/set"])
def test_images_beside_their_declaration(tmp_path: Path, place: str) -> None:
    (tmp_path / "data.yaml").write_text(f"path: /home/ann/set\ntrain: {place}\nnames: [cat]")
    paint(tmp_path / "a.png", 1)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert [item.label for item in sources.read(tmp_path)] == ["cat"]


def test_a_detectors_data_are_refused_for_classes(shared_data: Path) -> None:
    with pytest.raises(BadData, match=r"40 of 40 images .* are marked with several classes"):
        sources.read(shared_data / "football")


@pytest.mark.parametrize(
    ("declared", "lines", "problem"),
    [
        ("[cat]", "3 0.5 0.5 0.1 0.1", "marked with class 3, which data.yaml does not name"),
        ("[cat]", "cat 0.5", "is no file of YOLO's labels"),
        ("7", "0 0.5", "`names` is no list of classes"),
        ("[cat", "0 0.5", "data.yaml is no YAML"),
        ("2026-13-41", "0 0.5", "data.yaml is no YAML"),
        ("[" * 3000, "0 0.5", "data.yaml is no YAML"),
        ("[[cat, dog]]", "0 0.5", "`names` is no list of classes"),
        ("{.inf: cat}", "0 0.5", "`names` is no list of classes"),
        ("[0x" + "f" * 5000 + "]", "0 0.5", "`names` is no list of classes"),
        ("[cat]\ntrain: list.txt\nval: []\ntest: []", "0 0.5", "leads to no images.*got list.txt"),
        ("[cat]" + " " * 2**20, "0 0.5", "data.yaml is too large"),
        ("[cat]", "0 0.5 nan 0.1 0.1", "is no file of YOLO's labels"),
        ("[cat]", "0 0.5 0.5 inf 0.1", "is no file of YOLO's labels"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, declared: str, lines: str, problem: str) -> None:
    (tmp_path / "data.yaml").write_text(DECLARED + declared)
    write(tmp_path, "train", lines, 1)
    with pytest.raises(BadData, match=problem):
        sources.read(tmp_path)
