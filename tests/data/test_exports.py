"""Exports that other tools, and our own import, read."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import pytest
from tests import tens

from sightloop.data import exports, sources
from sightloop.data.exports import Form
from sightloop.errors import BadInput, Conflict
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.sample import Place, Side, digest_of

ITEMS = sorted(tens.samples(30), key=lambda item: digest_of(item.content))
CONTENTS = [item.content for item in ITEMS]
ENTRIES = tuple(
    Entry(digest=digest_of(item.content), label=item.label, side=list(Side)[place % 3], place=Place("b", 0, 1))
    for place, item in enumerate(ITEMS)
)
MANIFEST = Manifest(project="tens", classes=tuple("0123456789"), entries=ENTRIES)


def test_a_folder_is_imported_again_with_its_labels_and_sides(tmp_path: Path) -> None:
    assert exports.write(MANIFEST, CONTENTS, tmp_path / "out", Form.FOLDER) == 30
    found = {digest_of(item.content): (item.label, item.side) for item in sources.read(tmp_path / "out")}
    assert found == {entry.digest: (entry.label, entry.side) for entry in ENTRIES}


def test_coco_is_imported_again_with_its_labels_and_sides(tmp_path: Path) -> None:
    exports.write(MANIFEST, CONTENTS, tmp_path / "out", Form.COCO)
    found = {digest_of(item.content): (item.label, item.side) for item in sources.read(tmp_path / "out")}
    assert found == {entry.digest: (entry.label, entry.side) for entry in ENTRIES}


def test_coco_names_every_image_its_size_and_its_class(tmp_path: Path) -> None:
    exports.write(MANIFEST, CONTENTS, tmp_path / "out", Form.COCO)
    table = msgspec.json.decode((tmp_path / "out" / "test.json").read_bytes())
    names = {category["id"]: category["name"] for category in table["categories"]}
    expected = {entry.digest: entry.label for entry in MANIFEST.on(Side.TEST)}
    assert len(table["images"]) == len(expected)
    for image, said in zip(table["images"], table["annotations"], strict=True):
        content = (tmp_path / "out" / image["file_name"]).read_bytes()
        assert names[said["category_id"]] == expected[digest_of(content)]
        assert said["image_id"] == image["id"]
        assert said["bbox"] == [0, 0, image["width"], image["height"]] == [0, 0, 28, 28]


def test_pictures_of_phones_that_hold_a_second_one_are_exported_as_what_they_are(tmp_path: Path) -> None:
    chance, file = np.random.default_rng(1), io.BytesIO()
    first, second = (PIL.Image.fromarray(chance.integers(0, 256, (80, 80, 3), np.uint8)) for _ in range(2))
    first.save(file, format="MPO", save_all=True, append_images=[second])
    content = file.getvalue()
    entry = Entry(digest=digest_of(content), label="1", side=Side.TRAIN, place=Place("b", 0, 1))
    exports.write(msgspec.structs.replace(MANIFEST, entries=(entry,)), [content], tmp_path / "out", Form.FOLDER)
    (found,) = sources.read(tmp_path / "out")
    assert (found.content, found.label) == (content, "1")
    assert found.origin.endswith(".jpg")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Conflict):
        exports.write(MANIFEST, CONTENTS, tmp_path, Form.FOLDER)


def test_what_is_no_image_or_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no image"):
        exports.write(MANIFEST, [b"no image"] * 30, tmp_path / "out", Form.COCO)
    assert not (tmp_path / "out").exists()
    named = msgspec.structs.replace(MANIFEST, classes=("..", "0"))
    with pytest.raises(BadInput, match="folder's name"):
        exports.write(named, CONTENTS, tmp_path / "other", Form.FOLDER)
