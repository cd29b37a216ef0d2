"""What a data set says of its images becomes samples of one class, on the sides that hold."""

from __future__ import annotations

from operator import length_hint

import pytest

from sightloop.data.marked import Marked, labelled, settle, side_in
from sightloop.data.trees import Tree
from sightloop.errors import BadData
from sightloop.values.sample import Side

TREE = Tree.of("root", ["a.jpg", "b.jpg", "c.jpg"], lambda names: (name.encode() for name in names))


def test_images_become_samples_and_are_counted() -> None:
    items = labelled(TREE, [Marked("a.jpg", ("cat", "cat")), Marked("b.jpg", ())])
    assert length_hint(items) == 2
    first = next(items)
    assert (first.content, first.label, first.origin) == (b"a.jpg", "cat", "root/a.jpg")
    assert length_hint(items) == 1
    assert [item.label for item in items] == [""]


def test_an_image_of_several_classes_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BadData, match=r"1 of 2 images in root are marked with several classes; .*a\.jpg \(cat, dog\)"):
        labelled(TREE, [Marked("a.jpg", ("dog", "cat")), Marked("b.jpg", ("cat",))])


def test_a_whole_split_is_kept_and_of_half_a_one_the_part_held_out() -> None:
    whole = [Marked("a.jpg", (), Side.TRAIN), Marked("b.jpg", (), Side.VALIDATION), Marked("c.jpg", (), Side.TEST)]
    assert settle(whole) == whole
    assert [one.side for one in settle([whole[0], whole[2]])] == [None, Side.TEST]
    assert [one.side for one in settle(whole[:2])] == [None, Side.VALIDATION]


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("annotations/instances_val2017.json", Side.VALIDATION),
        ("train/_annotations.coco.json", Side.TRAIN),
        ("test.json", Side.TEST),
        ("train/test/a.jpg", Side.TEST),
        ("trainers/latest.json", None),
        ("train_and_test.json", None),
    ],
)
def test_a_path_names_a_side(path: str, side: Side | None) -> None:
    assert side_in(path) is side
