"""A file that is damaged anywhere is read, or refused with an error of ours; nothing else comes of it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.painted import picture

from sightloop.api import sent
from sightloop.data import boxes, idx, zips
from sightloop.data.trees import Tree
from sightloop.errors import SightloopError
from sightloop.values.bundle import from_zip
from sightloop.values.image import Image

PICTURE = picture(1)
LABELS = b"0 0.5 0.5 0.25 0.25\n1 .1 .1 .2 .2 .3 .4\n"
YAML = b"path: ../x\nnames:\n  0: a\n  1: b\ntrain: images/train\nval: [images/train]\n"
COCO = (
    b'{"images":[{"id":1,"file_name":"a.png"}],"categories":[{"id":1,"name":"p"}],'
    b'"annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,3.5,4]}]}'
)
VOC = (
    b'<?xml version="1.0" encoding="utf-8"?><annotation><filename>a.png</filename><object><name>a</name>'
    b"<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>5</ymax></bndbox></object></annotation>"
)
FORM = (
    b'--bo\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nabc\r\n'
    b'--bo\r\nContent-Disposition: form-data; name="labels"\r\n\r\n["7"]\r\n--bo--\r\n'
)
JSON = b'{"items":[{"landmarks":[' + b"1.5," * 62 + b'2],"width":3,"height":4},{"image":"data:,aGVsbG8=","label":"x"}]}'

Edits = list[tuple[float, int, bytes]]


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def all_of(data: bytes) -> list[bytes]:
    tree = zips.tree(io.BytesIO(data), "x.zip")
    return [tree.read(name) for name in tree.names]


def boxed(name: str, **others: bytes) -> Callable[[bytes], Any]:
    """Read a data set of this file and the others."""

    def read(data: bytes) -> list[object]:
        files = {"images/train/a.png": PICTURE, "a.png": PICTURE} | others | {name: data}
        return list(boxes.of(Tree.of("x", list(files), lambda names: (files[one] for one in names))))

    return read


READERS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "picture": (PICTURE, Image.decode),
    "size": (PICTURE, Image.size_of),
    "zip": (zipped({"cat/a.png": PICTURE, "dog/é.png": b"x"}), all_of),
    "package": (zipped({"package.json": b"{}", "model.onnx": b"1" * 9, "golden.npz": b"2" * 9}), from_zip),
    "coco": (COCO, boxed("labels.json")),
    "voc": (VOC, boxed("a.xml")),
    "yaml": (YAML, boxed("data.yaml", **{"labels/train/a.txt": LABELS})),
    "labels": (LABELS, boxed("labels/train/a.txt", **{"data.yaml": YAML})),
    "idx": (b"\0\0\x08\x01\0\0\0\x03abc", idx.parse),
    "form": (FORM, lambda data: sent.read("multipart/form-data; boundary=bo", data, most=5)),
    "json": (JSON, lambda data: sent.read("application/json", data, most=5)),
}


def damaged(data: bytes, edits: Edits) -> bytes:
    for place, gone, new in edits:
        at = int(place * len(data))
        data = data[:at] + new + data[at + gone :]
    return data


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("kind", READERS)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=6),
)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_damage_is_survived(kind: str, edits: Edits) -> None:
    data, read = READERS[kind]
    with suppress(SightloopError):
        read(damaged(data, edits))
