"""The bundled digits look like MNIST."""

from __future__ import annotations

import numpy as np
import pytest

from sightloop.data import bundled
from sightloop.values.image import Image
from sightloop.values.sample import Labelled


@pytest.fixture(scope="module")
def items() -> list[Labelled]:
    """All bundled digits."""
    return list(bundled.digits())


def test_all_digits_are_there_each_once(items: list[Labelled]) -> None:
    assert len({item.content for item in items}) == len(items) == 1797
    assert {item.label for item in items} == set("0123456789")


def test_they_are_drawn_as_mnist_draws(items: list[Labelled]) -> None:
    pixels = np.stack([Image.decode(item.content).pixels for item in items[:100]])
    assert pixels.shape == (100, 28, 28, 3)
    grey = pixels[..., 0].astype(float)
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert grey[:, 0].max() == 0  # a black rim
    assert (grey.max(axis=(1, 2)) > 200).all()
    rows = (grey.sum(axis=2) * np.arange(28)).sum(axis=1) / grey.sum(axis=(1, 2))
    columns = (grey.sum(axis=1) * np.arange(28)).sum(axis=1) / grey.sum(axis=(1, 2))
    assert np.abs(rows - 13.5).max() < 0.6
    assert np.abs(columns - 13.5).max() < 0.6


def test_the_bytes_are_the_same_each_time(items: list[Labelled]) -> None:
    assert next(bundled.digits()) == items[0]


def test_the_longer_side_fills_the_box() -> None:
    small = np.zeros((8, 8))
    small[:, 3] = 16
    rows = np.flatnonzero(bundled.draw(small)[:, :, 0].any(axis=1))
    assert 20 <= len(rows) <= 21
