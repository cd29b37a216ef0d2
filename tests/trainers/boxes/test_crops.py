"""Crops carry their boxes along."""

from __future__ import annotations

import numpy as np
import pytest
from tests.packages import COLOURS, painted

from sightloop.errors import BadData
from sightloop.trainers.boxes.crops import Changes, Crop, Crops, cut_out, mirrored
from sightloop.trainers.trainer import Pictures
from sightloop.values.image import Image
from sightloop.values.recipe import Input

PLAIN = Changes(smallest=1.0, largest=1.0, mirror=0.0, light=0.0, colour=0.0)
PIXELS = painted(("red", 1, 1), ("green", 4, 2), height=256, width=384)
BOXES = np.array([[64, 64, 128, 128, 0], [256, 128, 320, 192, 1]], np.float32)


def drawn(changes: Changes = PLAIN, seed: int = 1, count: int = 20, size: int = 128) -> list[Crop]:
    pictures = Pictures([Image(PIXELS).encode()], [BOXES])
    return Crops(pictures, size, changes, seed).draw(count)


def shows(crop: Crop, box: np.ndarray) -> bool:
    """Whether the middle of a box has its class's colour."""
    x, y = int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2)
    wanted = COLOURS["green" if box[4] else "red"]
    return bool(np.abs(crop.pixels[y, x].astype(int) - wanted).max() < 40)


@pytest.mark.parametrize("changes", [PLAIN, Changes(smallest=0.5, largest=2.0, mirror=1.0, light=0.1, colour=0.05)])
def test_boxes_are_where_their_things_are(changes: Changes) -> None:
    crops = drawn(changes)
    assert sum(len(crop.boxes) for crop in crops) >= 10
    assert all(shows(crop, box) for crop in crops for box in crop.boxes)
    assert all((crop.boxes[:, :4] >= 0).all() and (crop.boxes[:, :4] <= 128).all() for crop in crops)


def test_a_rare_class_is_shown_as_often_as_a_common_one() -> None:
    many = np.array([[10 * at, 5, 10 * at + 8, 13, 0] for at in range(30)] + [[300, 200, 310, 210, 1]], np.float32)
    crops = Crops(Pictures([Image(PIXELS).encode()], [many]), 64, PLAIN, 3).draw(80)
    assert sum((crop.boxes[:, 4] == 1).any() for crop in crops) >= 12  # of the 40 that are laid around a box


def test_what_is_mostly_cut_off_is_not_asked_for() -> None:
    crop = cut_out(PIXELS, BOXES, (118.0, 64.0), 1.0, 64)
    assert len(crop.boxes) == 0
    kept = cut_out(PIXELS, BOXES, (90.0, 64.0), 1.0, 64)
    assert kept.boxes.tolist() == [[0, 0, 38, 64, 0]]


def test_beyond_the_picture_is_grey() -> None:
    crop = cut_out(PIXELS, BOXES, (-64.0, 0.0), 1.0, 64)
    assert (crop.pixels == 114).all()


def test_twice_mirrored_is_as_before() -> None:
    crop = drawn()[1]
    again = mirrored(mirrored(crop))
    assert (again.pixels == crop.pixels).all()
    assert np.allclose(again.boxes, crop.boxes)


def test_the_seed_decides() -> None:
    one, same, other = (drawn(Changes(), seed) for seed in (5, 5, 6))
    assert all((a.pixels == b.pixels).all() for a, b in zip(one, same, strict=True))
    assert any((a.pixels != b.pixels).any() for a, b in zip(one, other, strict=True))


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(BadData, match="not one box"):
        Crops(Pictures([Image(PIXELS).encode()], [np.zeros((0, 5), np.float32)]), 64, PLAIN, 1)


def test_crops_have_the_scale_in_which_the_model_sees() -> None:
    spec = Input(kind="image", height=128, width=192)  # half of the picture's size
    crops = Crops(Pictures([Image(PIXELS).encode()], [BOXES]), 64, PLAIN, 1, spec).draw(10)
    sides = [box[2] - box[0] for crop in crops for box in crop.boxes if box[0] > 0 and box[2] < 64]
    assert sides
    assert all(abs(side - 32) < 0.01 for side in sides)
