"""Which colours a picture has, and which of its pixels stand out from its edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sightloop.trainers.timm.colours import colours, standing_out


def raw(pixels: NDArray[Any]) -> Any:
    """Pictures (N, H, W, 3) as the network has them."""
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(0, 3, 1, 2)


def with_square(around: tuple[int, int, int], inside: tuple[int, int, int], size: int = 56) -> NDArray[np.uint8]:
    """One picture of a colour with a square of another in its middle, a quarter of it."""
    pixels = np.empty((1, size, size, 3), np.uint8)
    pixels[:] = around
    pixels[:, size // 4 : -size // 4, size // 4 : -size // 4] = inside
    return pixels


def test_colours_are_shares_of_the_picture_as_roots() -> None:
    found = colours(raw(np.random.default_rng(0).integers(60, 160, (3, 40, 40, 3)))).numpy()
    assert found.shape == (3, 576)
    assert (found**2).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_colours_say_how_much_there_is_of_each_and_not_where() -> None:
    green, brown = (60, 140, 50), (130, 100, 70)
    quarter = colours(raw(with_square(green, brown)))
    alone = colours(raw(np.concatenate([with_square(green, green), with_square(brown, brown)])))
    assert quarter[0].square().numpy() == pytest.approx(
        (0.75 * alone[0].square() + 0.25 * alone[1].square()).numpy(), abs=1e-5
    )
    moved = np.roll(with_square(green, brown), (8, -6), axis=(1, 2))
    assert colours(raw(moved)).numpy() == pytest.approx(quarter.numpy(), abs=1e-4)


def test_colours_are_told_apart_from_light() -> None:
    dark, light, red = (with_square(grey, grey) for grey in [(40, 40, 40), (210, 210, 210), (210, 40, 40)])
    found = colours(raw(np.concatenate([dark, light, red]))).numpy()
    assert found[0] == pytest.approx(found[1])
    assert np.abs(found[0] - found[2]).max() > 0.5


def test_more_vivid_than_the_most_counts_as_the_most() -> None:
    found = colours(raw(np.concatenate([with_square(one, one) for one in [(255, 0, 0), (250, 5, 0)]]))).numpy()
    assert found[0] == pytest.approx(found[1])
    assert (found**2).sum(axis=1) == pytest.approx(1)


def test_what_is_of_another_colour_than_the_edge_stands_out() -> None:
    weights = standing_out(raw(with_square((150, 140, 150), (60, 140, 50)))).numpy()[0, 0]
    assert weights.shape == (56, 56)
    assert weights[20:36, 20:36].min() > 0.7
    assert weights[:10].max() < 0.01


def test_a_shadow_does_not_stand_out() -> None:
    shade = np.concatenate([with_square((150, 150, 150), (60, 60, 60)), with_square((150, 150, 150), (60, 60, 20))])
    shadow, thing = standing_out(raw(shade)).numpy()[:, 0, 28, 28]
    assert shadow < 0.01 < 0.5 < thing


@pytest.mark.parametrize("size", [2, 7, 56])
def test_of_one_colour_all_weighs_alike_and_something(size: int) -> None:
    weights = standing_out(raw(np.full((1, size, size, 3), 90))).numpy()
    assert np.ptp(weights) == pytest.approx(0, abs=1e-6)
    assert weights.min() > 0
