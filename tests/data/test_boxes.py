"""Boxes come in and go out in the forms in which detectors' data is published."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from tests.packages import painted

from sightloop.data import exports, sources
from sightloop.data.exports import Form
from sightloop.errors import BadData, BadInput
from sightloop.values.box import Box
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.image import Image
from sightloop.values.sample import Labelled, Place, Side, digest_of

PICTURES = [Image(painted(("red", column, 1))).encode() for column in range(3)]
BOXES = [
    (Box(label="red", x1=0, y1=16, x2=16, y2=32), Box(label="green", x1=40.5, y1=2.25, x2=60, y2=9)),
    (Box(label="red", x1=16, y1=16, x2=32, y2=32),),
    (),
]


def manifest() -> tuple[Manifest, list[bytes]]:
    """One picture on each side, the last without anything to see."""
    entries = [
        Entry(digest=digest_of(content), label="", side=side, place=Place("b", 0, len(content)), boxes=boxes)
        for content, side, boxes in zip(PICTURES, Side, BOXES, strict=True)
    ]
    order = sorted(range(3), key=lambda row: entries[row].digest)
    made = Manifest(project="squares", classes=("red", "green"), entries=tuple(entries[row] for row in order))
    return made, [PICTURES[row] for row in order]


@pytest.mark.parametrize("form", [Form.YOLO, Form.COCO, Form.VOC])
def test_what_goes_out_comes_in_again(form: Form, tmp_path: Path) -> None:
    version, contents = manifest()
    assert exports.write(version, contents, tmp_path / "out", form) == 3
    back = {digest_of(item.content): item for item in sources.read(tmp_path / "out", boxed=True)}
    for content, boxes, side in zip(PICTURES, BOXES, Side, strict=True):
        item = back[digest_of(content)]
        assert item.side == side
        assert [box.label for box in item.boxes or ()] == [box.label for box in boxes]
        for found, drawn in zip(item.boxes or (), boxes, strict=True):
            assert found.corners == pytest.approx(drawn.corners, abs=1e-3)


@pytest.mark.parametrize("form", [Form.YOLO, Form.COCO, Form.VOC])
def test_boxes_of_a_photograph_that_is_stored_lying_come_in_again(form: Form, tmp_path: Path) -> None:
    turned, file = PIL.Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    PIL.Image.new("RGB", (64, 32)).save(file, "JPEG", exif=turned)
    drawn = (Box(label="red", x1=8, y1=32, x2=16, y2=60),)
    entry = Entry(digest=digest_of(file.getvalue()), label="", side=Side.TEST, place=Place("b", 0, 1), boxes=drawn)
    version = Manifest(project="squares", classes=("red",), entries=(entry,))
    exports.write(version, [file.getvalue()], tmp_path / "out", form)
    (item,) = sources.read(tmp_path / "out", boxed=True)
    assert [box.corners for box in item.boxes or ()] == [pytest.approx(drawn[0].corners, abs=1e-3)]
    assert Image.decode(item.content).pixels.shape == (64, 32, 3)


def test_boxes_have_no_folders_of_classes(tmp_path: Path) -> None:
    version, contents = manifest()
    with pytest.raises(BadInput, match="cannot be exported as folder"):
        exports.write(version, contents, tmp_path / "out", Form.FOLDER)


def test_a_manifest_without_boxes_has_the_bytes_that_it_always_had() -> None:
    entry = Entry(digest="a" * 64, label="7", side=Side.TEST, place=Place("b", 0, 3))
    old = b'{"project":"p","classes":["7"],"entries":[{"digest":"%s","label":"7","side":"test","place":{"blob":"b",'
    expected = old % (b"a" * 64) + b'"offset":0,"length":3}}]}'
    made = Manifest(project="p", classes=("7",), entries=(entry,))
    assert made.to_bytes() == expected
    assert Manifest.from_bytes(expected) == made


@pytest.fixture
def yolo(tmp_path: Path) -> Callable[[str], list[Labelled]]:
    """Read a YOLO set of one picture with these marks."""

    def read(marks: str) -> list[Labelled]:
        for folder in ("images", "labels"):
            (tmp_path / "train" / folder).mkdir(parents=True)
        (tmp_path / "data.yaml").write_text("train: train/images\nnames: [red, green]\n")
        (tmp_path / "train/images/a.png").write_bytes(PICTURES[0])
        (tmp_path / "train/labels/a.txt").write_text(marks)
        return list(sources.read(tmp_path, boxed=True))

    return read


def test_a_polygon_becomes_the_box_around_it(yolo: Callable[[str], list[Labelled]]) -> None:
    (item,) = yolo("1 0.5 0.25 0.75 0.5 0.5 0.75\n")
    assert item.boxes == (Box(label="green", x1=48, y1=16, x2=72, y2=48),)


def test_a_mark_without_an_area_is_left_out(yolo: Callable[[str], list[Labelled]]) -> None:
    assert yolo("0 0.5 0.5 0 0.2\n")[0].boxes == ()


@pytest.mark.parametrize("marks", ["0 0.5 0.5\n", "7 0.5 0.5 0.1 0.1\n"])
def test_marks_that_are_none_are_refused(yolo: Callable[[str], list[Labelled]], marks: str) -> None:
    with pytest.raises(BadData, match=r"a\.png"):
        yolo(marks)


@pytest.mark.parametrize(
    ("bbox", "boxes"), [([1e308, 0, 1e308, 4], None), ([1e17, 0, 1, 4], ()), ([0, 0, 0, 4], ())], ids=str
)
def test_odd_boxes_of_coco(tmp_path: Path, bbox: list[float], boxes: tuple[Box, ...] | None) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES[0])
    mark = {"image_id": 1, "category_id": 1, "bbox": bbox}
    table = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": [mark], "categories": [{"id": 1, "name": "x"}]}
    (tmp_path / "a.json").write_text(json.dumps(table))
    if boxes is not None:
        assert [item.boxes for item in sources.read(tmp_path, boxed=True)] == [boxes]
        return
    with pytest.raises(BadData, match=r"a\.json has a box that is none"):
        sources.read(tmp_path, boxed=True)


def test_folders_of_classes_are_no_boxes(tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "a.png").write_bytes(PICTURES[0])
    with pytest.raises(BadData, match="no boxes in a form"):
        sources.read(tmp_path, boxed=True)


def test_real_football_comes_with_its_sides(shared_data: Path) -> None:
    items = list(sources.read(shared_data / "football", boxed=True))
    assert [sum(item.side is side for item in items) for side in Side] == [28, 7, 5]
    found = [box.label for item in items if item.side is Side.TEST for box in item.boxes or ()]
    assert {label: found.count(label) for label in set(found)} == {
        "ball": 4,
        "goalkeeper": 3,
        "player": 101,
        "referee": 9,
    }
    assert Image.decode(items[0].content).pixels.shape == (720, 1280, 3)
