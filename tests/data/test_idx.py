"""MNIST's file format is read, and broken files are refused."""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sightloop.data import idx
from sightloop.errors import BadData
from sightloop.values.image import Image
from sightloop.values.sample import Side


def as_idx(array: NDArray[np.uint8]) -> bytes:
    """The array as an IDX file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three training images, gzipped, and two test images, plain."""
    images = np.arange(3 * 28 * 28, dtype=np.uint8).reshape(3, 28, 28)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(as_idx(images)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(as_idx(np.array([5, 0, 4], np.uint8))))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(as_idx(images[:2]))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(as_idx(np.array([7, 2], np.uint8)))
    return tmp_path


def test_both_parts_are_read_and_the_test_part_stays_on_its_side(folder: Path) -> None:
    items = list(idx.read(folder))
    assert [item.label for item in items] == ["5", "0", "4", "7", "2"]
    assert [item.side for item in items] == [None, None, None, Side.TEST, Side.TEST]


def test_pixels_come_back_as_they_were(folder: Path) -> None:
    pixels = Image.decode(next(idx.read(folder)).content).pixels
    assert (pixels == (np.arange(28 * 28) % 256).reshape(28, 28, 1)).all()


def test_one_part_alone_will_do(folder: Path) -> None:
    for path in folder.glob("t10k*"):
        path.unlink()
    assert len(list(idx.read(folder))) == 3


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no MNIST files"):
        list(idx.read(tmp_path))


def test_images_without_labels_are_refused(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(BadData, match="train-labels-idx1-ubyte is missing"):
        list(idx.read(folder))


def test_other_numbers_of_labels_are_refused(folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(as_idx(np.zeros(2, np.uint8))))
    with pytest.raises(BadData, match="do not fit"):
        list(idx.read(folder))


def test_a_gzip_file_that_was_cut_off_is_refused(folder: Path) -> None:
    path = folder / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:12] + b"\xff" * 12 + whole[24:]):
        path.write_bytes(damaged)
        with pytest.raises(BadData, match="cannot be unpacked"):
            list(idx.read(folder))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\x08", b"\x89PNG....", b"\0\0\x0d\x01" + bytes(8), as_idx(np.zeros((2, 3), np.uint8))[:-1]],
    ids=["empty", "header cut off", "PNG", "floats", "cut off"],
)
def test_what_is_no_idx_file_of_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(BadData, match=r"IDX|cut off"):
        idx.parse(data)


def test_real_mnist_begins_as_published(shared_data: Path) -> None:
    items = list(islice(idx.read(shared_data / "mnist"), 5))
    assert [item.label for item in items] == ["5", "0", "4", "1", "9"]
    images, labels = idx.arrays(shared_data / "mnist", "t10k")
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
