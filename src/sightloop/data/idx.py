"""MNIST's own file format, IDX: an array of bytes behind a small header, gzipped or not."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.values.image import Image
from sightloop.values.sample import Labelled, Side

# The files' published names, and the side on which their samples stay: MNIST's own test set is the test set.
PARTS: tuple[tuple[str, Side | None], ...] = (("train", None), ("t10k", Side.TEST))
_BYTES = 0x08


def read(folder: Path) -> Iterator[Labelled]:
    """The labelled images of a folder that holds MNIST's files, as PNG; those of the t10k files on the test side.

    Either part may be missing, but not both. Raises BadData for files that are no IDX, are cut off, or do not fit
    one another.
    """
    found = [(name, side) for name, side in PARTS if _path(folder, f"{name}-images-idx3-ubyte")]
    if not found:
        raise BadData(f"no MNIST files in {folder}", expected="train-images-idx3-ubyte(.gz) and its labels, or t10k-")
    for name, side in found:
        images, labels = arrays(folder, name)
        for position, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            content = Image(np.repeat(pixels[:, :, None], 3, axis=2)).encode()
            yield Labelled(content=content, label=str(label), side=side, origin=f"MNIST {name} {position}")


def held(folder: Path) -> bool:
    """Whether a folder holds MNIST's training images."""
    return _path(folder, "train-images-idx3-ubyte") is not None


def arrays(folder: Path, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One part of MNIST (`train` or `t10k`): images (N, height, width) and labels (N,), both uint8."""
    images = parse(_bytes(folder, f"{name}-images-idx3-ubyte"), f"{name} images")
    labels = parse(_bytes(folder, f"{name}-labels-idx1-ubyte"), f"{name} labels")
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise BadData(
            f"the {name} files in {folder} do not fit one another",
            expected="as many labels as images",
            got=f"images {images.shape}, labels {labels.shape}",
        )
    return images, labels


def parse(data: bytes, origin: str = "the file") -> NDArray[np.uint8]:
    """The array in the bytes of an IDX file: 0, 0, type 8 (uint8), rank, the lengths as big-endian int32, the bytes."""
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] != _BYTES or len(data) < 4 + 4 * data[3]:
        raise BadData(f"{origin} is no IDX file of bytes", got=f"{len(data)} bytes beginning with {data[:4]!r}")
    rank = data[3]
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", count=rank, offset=4))
    held = len(data) - 4 - 4 * rank
    if held != math.prod(shape):
        raise BadData(f"{origin} is cut off or too long", expected=f"{math.prod(shape)} bytes", got=str(held))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _path(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _bytes(folder: Path, name: str) -> bytes:
    path = _path(folder, name)
    if path is None:
        raise BadData(f"{name} is missing in {folder}", hint="It may be gzipped, with .gz behind its name.")
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{path} cannot be unpacked: {error}", hint="Fetch it again.") from error
