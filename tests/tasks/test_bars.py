"""Bars are told from the picture between them."""

from __future__ import annotations

import numpy as np
import pytest

from sightloop.tasks import bars
from sightloop.tasks.bars import Window
from sightloop.values.image import Image


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (20, 40, Window(0, 10, 40, 20)),
        (40, 10, Window(15, 0, 10, 40)),
        (21, 40, Window(0, 9, 40, 21)),
        (40, 40, Window(0, 0, 40, 40)),
    ],
)
def test_the_window_is_where_the_picture_was_laid(height: int, width: int, expected: Window) -> None:
    picture = np.random.default_rng(1).integers(1, 256, (height, width, 3), np.uint8)
    padded = Image(picture).padded(40, 40)
    assert bars.window(padded) == expected
    np.testing.assert_array_equal(bars.within(padded, expected), picture)
    np.testing.assert_array_equal(bars.barred(padded, expected), padded)
    whole = bars.filled(padded, expected)
    assert whole.all()
    np.testing.assert_array_equal(bars.within(whole, expected), picture)
    np.testing.assert_array_equal(bars.barred(whole, expected), padded)


def test_what_is_dark_on_one_side_only_is_picture() -> None:
    pixels = np.full((40, 40, 3), 9, np.uint8)
    pixels[:12] = 0
    assert bars.window(pixels) == Window(0, 1, 40, 39)  # as if the bars were of one row and of none
    pixels[:] = 0
    assert bars.window(pixels) == Window(0, 0, 40, 40)
