"""Folders of images are read, with sides where they name them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.data.painted import paint

from sightloop.data import folders
from sightloop.errors import BadData
from sightloop.values.sample import Side


def test_each_image_is_labelled_by_its_folder(tmp_path: Path) -> None:
    paint(tmp_path / "cat" / "b.png", 1)
    paint(tmp_path / "cat" / "a.PNG", 2)
    paint(tmp_path / "dog" / "a.png", 3)
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    items = list(folders.read(tmp_path))
    assert [(item.label, Path(item.origin).name, item.side) for item in items] == [
        ("cat", "a.PNG", None),
        ("cat", "b.png", None),
        ("dog", "a.png", None),
    ]


def test_folders_named_like_sides_pin_the_samples(tmp_path: Path) -> None:
    for number, side in enumerate(("train", "valid", "test")):
        paint(tmp_path / side / "cat" / "a.png", number)
    assert [item.side for item in folders.read(tmp_path)] == [Side.TEST, Side.TRAIN, Side.VALIDATION]


def test_a_class_may_be_called_test_among_others(tmp_path: Path) -> None:
    paint(tmp_path / "test" / "a.png", 1)
    paint(tmp_path / "control" / "a.png", 2)
    assert [(item.label, item.side) for item in folders.read(tmp_path)] == [("control", None), ("test", None)]


def test_a_folder_without_images_is_refused_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(BadData, match=r"no images in .*readme\.txt"):
        list(folders.read(tmp_path))
    with pytest.raises(BadData, match="is no folder"):
        list(folders.read(tmp_path / "readme.txt"))


def test_real_photos_are_read(shared_data: Path) -> None:
    assert Counter(item.label for item in folders.read(shared_data / "rps")) == {
        "paper": 200,
        "rock": 200,
        "scissors": 200,
    }
