"""Files are found by the names that data sets give them, and never outside the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightloop.data import trees
from sightloop.data.trees import Tree
from sightloop.errors import BadData


def tree(*names: str) -> Tree:
    return Tree.of("root", names, lambda some: (name.encode() for name in some))


def test_the_names_are_in_order_without_what_file_managers_leave(tmp_path: Path) -> None:
    for name in ("b/x.PNG", "a.txt", ".DS_Store", "__MACOSX/b/._x.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = trees.folder(tmp_path)
    assert found.names == ("a.txt", "b/x.PNG")
    assert found.images == ["b/x.PNG"]
    assert found.read("a.txt") == b"a.txt"
    with pytest.raises(BadData, match="is no folder"):
        trees.folder(tmp_path / "a.txt")


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.png").write_text("x")
    (tmp_path / "set" / "b").mkdir(parents=True)
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "b" / "up").symlink_to(tmp_path / "set")
    (tmp_path / "elsewhere" / "over").symlink_to(tmp_path / "set" / "b")
    (tmp_path / "set" / "gone").symlink_to(tmp_path / "nowhere")
    assert trees.folder(tmp_path / "set").names == ("cat/x.png",)


def test_a_file_that_is_gone_when_it_is_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a")
    found = trees.folder(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(BadData, match=r"a\.png cannot be read: No such file"):
        found.read("a.png")


def test_a_file_is_found_beside_its_annotation_below_the_root_or_by_its_end() -> None:
    found = tree("train/a.json", "train/x.jpg", "test/x.jpg", "images/y.jpg", "deep/images/z.jpg")
    assert found.find("x.jpg", near="train/a.json") == "train/x.jpg"
    assert found.find("images/y.jpg", near="train/a.json") == "images/y.jpg"
    assert found.find("./z.jpg", near="train/a.json") == "deep/images/z.jpg"
    assert found.find("images\\z.jpg") == "deep/images/z.jpg"


@pytest.mark.parametrize("said", ["x.jpg", "nowhere.jpg", "../../etc/passwd", "/etc/passwd"])
def test_what_is_ambiguous_or_outside_is_not_found(said: str) -> None:
    assert tree("train/x.jpg", "test/x.jpg").find(said) is None
