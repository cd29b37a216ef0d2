"""Pictures become a detector's inputs, and its outputs boxes in the picture's own pixels."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.packages import painted, squares

from sightloop.errors import BadRecipe
from sightloop.runtimes.onnx import RUNTIME
from sightloop.tasks.detection import TASK, located
from sightloop.tasks.drawing import draw
from sightloop.values.image import Image
from sightloop.values.package import Package
from sightloop.values.prediction import Detections, answer_of
from sightloop.values.recipe import Input

CARD = squares().card


def answer(pixels: NDArray[np.uint8], card: Package = CARD) -> Detections:
    """What the detector of squares says of a picture."""
    session = RUNTIME.open(squares(), threads=1)
    prepared = TASK.prepare(Image(pixels).encode(), card.input, max_pixels=10**7)
    return TASK.read([session.run(one[None])[0][0] for one in prepared.inputs], card, prepared.size)


def corners(found: Detections) -> list[tuple[str, list[int]]]:
    return sorted((box.label, [round(corner) for corner in box.corners]) for box in found.boxes)


@pytest.mark.parametrize("larger", [1, 2, 5])
def test_boxes_are_in_pixels_of_the_picture_as_it_was_sent(larger: int) -> None:
    found = answer(painted(("red", 0, 0), ("green", 5, 3), height=64 * larger, width=96 * larger))
    side = 16 * larger
    assert corners(found) == [
        ("green", [5 * side, 3 * side, 6 * side, 4 * side]),
        ("red", [0, 0, side, side]),
    ]
    assert (found.width, found.height) == (96 * larger, 64 * larger)
    assert found.label == "1 green, 1 red"


def test_a_picture_of_another_shape_is_laid_in_with_its_own() -> None:
    wide = np.full((64, 192, 3), 114, np.uint8)
    wide[32:64, 160:192] = (230, 20, 20)
    assert corners(answer(wide)) == [("red", [160, 32, 192, 64])]


def test_a_picture_of_one_pixel_has_tiles_too() -> None:
    tiled = Input(kind="image", height=64, width=96, tiles=(8, 8))
    prepared = TASK.prepare(Image(np.zeros((1, 1, 3), np.uint8)).encode(), tiled, max_pixels=10)
    assert len(prepared.inputs) == 1 + 8 * 8


def test_what_is_too_small_in_the_whole_is_found_in_a_tile() -> None:
    pixels = np.full((256, 384, 3), 114, np.uint8)
    pixels[36:71, 36:71] = (230, 20, 20)  # a cell of the first tile, a fifth of one of the whole
    assert answer(pixels).boxes == []
    tiled = msgspec.structs.replace(CARD, input=Input(kind="image", height=64, width=96, tiles=(2, 2)))
    ((label, found),) = corners(answer(pixels, tiled))
    assert label == "red"
    assert np.abs(np.array(found) - [36, 36, 71, 71]).max() <= 1


def test_a_thing_that_two_tiles_see_is_answered_once() -> None:
    spec = Input(kind="image", height=100, width=100, tiles=(1, 2))
    # Of 200 x 100 pixels the tiles are 0 to 111 and 89 to 200: here is a box in both of them and in the whole.
    seen = [rows((47, 10, 53, 20, 0.6, 0)), rows((84.7, 18, 95.5, 36, 0.9, 0)), rows((4.5, 18, 15.3, 36, 0.8, 0))]
    found = located([one[0] for one in seen], spec, (200, 100))
    assert found[:, 4].tolist() == pytest.approx([0.9])
    assert found[0, :4] == pytest.approx([94, 20, 106, 40], abs=0.5)


def test_what_a_tile_cuts_off_is_left_to_its_neighbour() -> None:
    spec = Input(kind="image", height=100, width=100, tiles=(1, 2))
    nothing = rows((0, 0, 0, 0, 0, 0))[0]
    half, at_the_border = rows((80, 20, 99.5, 40, 0.9, 0))[0], rows((0, 20, 19, 40, 0.9, 0))[0]
    assert len(located([nothing, half, nothing], spec, (200, 100))) == 0
    assert len(located([nothing, at_the_border, nothing], spec, (200, 100))) == 1


def test_boxes_below_the_cards_threshold_are_not_answered() -> None:
    faint = np.full((64, 96, 3), 114, np.uint8)
    faint[:16, :16] = (180, 114, 114)  # a score of 0.26
    assert len(answer(faint).boxes) == 1
    assert answer(faint, msgspec.structs.replace(CARD, threshold=0.3)).boxes == []


def test_an_empty_picture_has_an_answer_too() -> None:
    found = answer(painted())
    assert (found.boxes, found.label, found.confidence) == ([], "nothing", 0.0)


def test_an_answer_comes_back_from_what_it_is_stored_as() -> None:
    found = answer(painted(("red", 0, 0)))
    assert answer_of(msgspec.json.decode(msgspec.json.encode(found))) == found


def test_landmarks_are_refused() -> None:
    with pytest.raises(BadRecipe, match="images"):
        TASK.prepare(b"", Input(kind="landmarks"), max_pixels=1)


def rows(*found: Sequence[float]) -> NDArray[np.float32]:
    return np.array([[*found, [0] * 6]], np.float32)


def test_golden_boxes_may_change_places_but_not_move() -> None:
    expected = rows((0, 0, 10, 10, 0.9, 0), (20, 20, 30, 30, 0.8999, 1))
    swapped = rows((20, 20, 30, 30, 0.8999, 1), (0, 0, 10, 10, 0.9, 0))
    moved = rows((0, 0, 10, 10, 0.9, 0), (24, 20, 30, 30, 0.8999, 1))
    other = rows((0, 0, 10, 10, 0.9, 0), (20, 20, 30, 30, 0.8999, 0))
    assert TASK.difference(swapped, expected, CARD) == 0
    assert TASK.difference(moved, expected, CARD) == pytest.approx(4 / 96)
    assert TASK.difference(other, expected, CARD) > 0.1
    assert TASK.difference(rows((0, 0, 10, 10, 0.9, 0)), expected, CARD) == float("inf")


def test_boxes_are_drawn_where_they_are() -> None:
    pytest.importorskip("supervision")
    picture = Image(painted(("red", 1, 1), height=128, width=192))
    drawn = draw(picture, answer(picture.pixels).boxes, CARD.classes)
    changed = (drawn.pixels != picture.pixels).any(axis=2)
    assert changed[32:64, 32:64].any()
    assert not changed[:, 120:].any()
    assert (picture.pixels == painted(("red", 1, 1), height=128, width=192)).all()
