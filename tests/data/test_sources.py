"""Sources are opened by name or by form, or said not to be there."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sightloop.data import mnist, sources
from sightloop.errors import BadData
from sightloop.settings import Settings
from sightloop.values.image import Image
from sightloop.values.sample import Labelled, Side


def write_idx(folder: Path) -> None:
    """Three images in MNIST's form."""
    folder.mkdir(parents=True)
    images = b"\0\0\x08\x03" + np.array([3, 2, 2], ">u4").tobytes() + bytes(range(12))
    labels = b"\0\0\x08\x01" + np.array([3], ">u4").tobytes() + bytes([7, 1, 4])
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)


def taken(items: Iterator[Labelled] | None) -> list[Labelled]:
    assert items is not None
    return list(items)


@pytest.mark.parametrize("place", ["home/data", "elsewhere"])
def test_a_local_copy_of_mnist_is_found(make_settings: Callable[..., Settings], tmp_path: Path, place: str) -> None:
    write_idx(tmp_path / place / "mnist")
    items = taken(sources.open("mnist", make_settings(data=tmp_path / "elsewhere")))
    assert [item.label for item in items] == ["7", "1", "4"]


def test_mnist_cannot_be_had_offline_without_a_copy(make_settings: Callable[..., Settings]) -> None:
    assert sources.open("mnist", make_settings()) is None


def test_a_download_that_was_broken_off_is_no_copy(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    folder = tmp_path / "home" / "data" / "mnist"
    write_idx(folder)  # the first files came, and no mirror answers for the others
    with pytest.raises(BadData, match="cannot be downloaded"):
        mnist.download(folder, mirrors=())
    assert sources.open("mnist", make_settings()) is None


def test_the_bundled_digits_are_always_there(make_settings: Callable[..., Settings]) -> None:
    items = sources.open("bundled-digits", make_settings())
    assert items is not None
    assert [item.label for item in islice(items, 3)] == ["0", "1", "2"]


def test_gestures_are_found_in_the_folder_of_data_sets(
    make_settings: Callable[..., Settings], shared_data: Path
) -> None:
    assert sources.open("gestures", make_settings()) is None
    assert len(taken(sources.open("gestures", make_settings(data=shared_data)))) == 3546


def test_a_path_is_a_source_too(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "set" / "cat").mkdir(parents=True)
    (tmp_path / "set" / "cat" / "a.png").write_bytes(Image(np.zeros((2, 2, 3), np.uint8)).encode())
    assert [item.label for item in taken(sources.open(str(tmp_path / "set"), make_settings()))] == ["cat"]
    assert sources.open(str(tmp_path / "none"), make_settings()) is None


def test_a_path_is_a_source_of_boxes_where_boxes_are_wanted(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    for kind in ("images", "labels"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    (tmp_path / "data.yaml").write_text("train: train/images\nnames: [ball, player]\n")
    (tmp_path / "train" / "images" / "a.png").write_bytes(Image(np.zeros((10, 10, 3), np.uint8)).encode())
    (tmp_path / "train" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.2 0.2 0.2 0.2\n")
    (found,) = taken(sources.open(str(tmp_path), make_settings(), boxed=True))
    assert [box.label for box in found.boxes or ()] == ["ball", "player"]


def test_a_name_that_is_not_utf_8_is_kept_as_text(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    file = os.fsdecode(b"k\xe4tzchen.png")  # as an old disk has it
    (tmp_path / "cat" / file).write_bytes(Image(np.zeros((2, 2, 3), np.uint8)).encode())
    (found,) = sources.read(tmp_path)
    assert found.origin == f"{tmp_path}/cat/k\\udce4tzchen.png"


def test_the_form_of_a_path_is_detected(tmp_path: Path, shared_data: Path) -> None:
    write_idx(tmp_path / "numbers")
    assert [item.label for item in sources.read(tmp_path / "numbers")] == ["7", "1", "4"]
    fractions = shared_data / "gestures" / "hagrid_annotations_xy.csv.gz"
    assert len(list(sources.read(fractions, aspect=0.75, skip_labels={"no_gesture"}))) == 1070
    assert {item.side for item in sources.read(shared_data / "mnist")} == {None, Side.TEST}


def test_what_is_of_no_known_form_is_refused_with_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadData, match=r"no known form; expected a CSV of landmarks"):
        sources.read(tmp_path / "data.parquet")
    with pytest.raises(BadData, match="is not there"):
        sources.read(tmp_path / "nothing")
    with pytest.raises(BadData, match="nothing is named to read"):
        sources.read("")  # which as a path is the folder that one stands in


def test_photographs_are_found_in_the_folder_of_data_sets(
    make_settings: Callable[..., Settings], shared_data: Path
) -> None:
    assert sources.open("rps", make_settings()) is None
    assert len(taken(sources.open("rps", make_settings(data=shared_data)))) == 600
    assert len(taken(sources.open("leaves", make_settings(data=shared_data)))) == 630
