"""Photographs are changed alike for the same seed, and hands leave their green screen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightloop.tasks.bars import window
from sightloop.trainers.timm.greenscreen import cut
from sightloop.trainers.timm.photographs import Changes
from sightloop.trainers.timm.views import Views
from sightloop.values.image import Image

SKIN = (200, 150, 120)


def screen(seed: int = 0) -> NDArray[np.uint8]:
    """An arm and a fist before green, (80, 100, 3), unevenly lit."""
    chance = np.random.default_rng(seed)
    pixels = np.empty((80, 100, 3), np.float32)
    pixels[:] = (30, 170, 60)
    pixels[25:55, 40:] = SKIN
    light = np.linspace(0.7, 1.1, 100)[None, :, None]
    return (pixels * light + chance.uniform(-6, 6, pixels.shape)).clip(0, 255).astype(np.uint8)


def test_the_hand_is_cut_out_and_the_green_is_not() -> None:
    found = cut(screen())
    assert found is not None
    assert found.cover[30:50, 45:].min() > 250
    assert found.cover[:20].max() < 5
    assert found.cover[30:50, :30].max() < 5


def test_a_photograph_without_a_green_screen_is_left_alone() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (80, 100, 3), np.uint8)
    assert cut(grey) is None
    assert cut(np.full((80, 100, 3), (30, 170, 60), np.uint8)) is None
    views = Views(np.stack([grey]), Changes(), 1, green=True)
    assert views.cut == 0
    assert views.draw(np.arange(1), 0).shape == (1, 80, 100, 3)


def test_the_same_seed_gives_the_same_views_and_another_turn_others() -> None:
    photographs = np.stack([screen(seed) for seed in range(4)])
    first, again = (Views(photographs, Changes(), 7, green=True) for _ in range(2))
    rows = np.arange(4)
    assert (first.draw(rows, 3) == again.draw(rows, 3)).all()
    assert (first.draw(rows, 3) != first.draw(rows, 4)).any()


def test_little_green_is_left_behind_a_hand_that_was_cut_out() -> None:
    photographs = np.stack([screen(seed) for seed in range(8)])
    still = Changes(colour=0, light=0, erase=0, blur=0)
    seen = Views(photographs, still, 7, green=True).draw(np.arange(8), 0, kept=0).astype(int)
    green = (seen[..., 1] - np.maximum(seen[..., 0], seen[..., 2])) > 60
    assert green.mean() < 0.2
    plain = Views(photographs, still, 7, green=False).draw(np.arange(8), 0).astype(int)
    assert ((plain[..., 1] - np.maximum(plain[..., 0], plain[..., 2])) > 60).mean() > 0.5


def test_between_bars_the_picture_changes_and_not_the_bars() -> None:
    padded = np.stack([Image(screen(seed)).padded(100, 100) for seed in range(8)])
    views = Views(padded, Changes(erase=1, scale=0), 7, green=True, padded=True)
    assert views.cut == 8
    kept = views.draw(np.arange(8), 0, kept=1)
    assert not kept[:, [*range(10), *range(90, 100)]].any()
    assert (kept != padded).any(axis=(1, 2, 3)).all()
    assert (kept[:, 10:90].mean(axis=(2, 3)) > 20).all()
    shapes = [window(seen) for turn in range(6) for seen in views.draw(np.arange(8), turn, kept=0)]
    assert all(max(shape.width, shape.height) == 100 for shape in shapes)
    assert min(shape.width for shape in shapes) < 70 > min(shape.height for shape in shapes)


def test_no_change_is_no_change() -> None:
    photographs = np.stack([screen()])
    none = Changes(scale=0, stretch=0, shift=0, rotate=0, tilt=0, mirror=False, light=0, colour=0, erase=0, blur=0)
    assert (Views(photographs, none, 1, green=False).draw(np.arange(1), 0) == photographs).all()
