"""Hands are found in pictures, wherever they are and however they are turned."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests import packages

from sightloop.errors import BadLandmarks, MissingExtra
from sightloop.serve import hands
from sightloop.serve.hands import Hands
from sightloop.serve.sight import Sight
from sightloop.values.image import Image


@pytest.fixture(scope="module")
def finder(hand_networks: Path) -> Hands:
    """The finder over MediaPipe's models."""
    return Hands(hand_networks)


@pytest.fixture
def photograph(shared_data: Path) -> Image:
    """A person who shows a palm."""
    return Image.decode(next((shared_data / "gestures" / "photos" / "palm").glob("*.jpg")).read_bytes())


def test_hands_are_found_in_photographs(finder: Hands, shared_data: Path) -> None:
    photos = sorted((shared_data / "gestures" / "photos").glob("*/*.jpg"))
    found = 0
    for photo in photos:
        pixels = Image.decode(photo.read_bytes()).pixels
        try:
            points = finder.find(pixels).points
        except BadLandmarks:
            continue
        found += 1
        height, width = pixels.shape[:2]
        assert (np.abs(points[:, :2] / (width, height) - 0.5) < 0.75).all()
    assert (len(photos), found) == (38, 37)


def test_a_picture_that_is_turned_has_the_same_hand(finder: Hands, photograph: Image) -> None:
    points = finder.find(photograph.pixels).points[:, :2]
    turned = finder.find(np.ascontiguousarray(np.rot90(photograph.pixels))).points[:, :2]
    width = photograph.pixels.shape[1]
    back = np.stack([width - turned[:, 1], turned[:, 0]], axis=1)
    size = np.ptp(points, axis=0).max()
    assert np.abs(back - points).max() < 0.1 * size


def test_a_picture_without_a_hand_says_so(finder: Hands) -> None:
    with pytest.raises(BadLandmarks, match="no hand was found"):
        finder.find(np.full((300, 400, 3), 127, np.uint8))


def test_a_gesture_is_answered_to_a_frame(finder: Hands, photograph: Image) -> None:
    sight = Sight(packages.gestures(), hands=lambda: finder)
    assert sight.find(photograph.pixels).label in packages.GESTURES.classes
    assert sight.find(np.full((300, 400, 3), 127, np.uint8)).label == ""


def test_models_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"palm_detection_full.tflite.*sightloop hands install"):
        Hands(tmp_path)


@pytest.mark.parametrize("turn", [0.0, 0.5, -2.0, np.pi])
def test_a_cut_shows_its_middle_upright(turn: float) -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    above = (150 + 40 * np.sin(turn), 100 - 40 * np.cos(turn))  # what lies above the middle in the turned square
    cv2.circle(pixels, (round(above[0]), round(above[1])), 6, (255, 255, 255), -1)
    cut = hands._cut(pixels, (150, 100), turn, 160, 224)
    y, x = np.argwhere(cut[:, :, 0] > 127).mean(axis=0)
    assert (x, y) == (pytest.approx(112, abs=2), pytest.approx(112 - 40 * 224 / 160, abs=2))


def test_palms_that_overlap_are_one() -> None:
    box = np.zeros((3, 18), np.float32)
    box[:, :4] = [[50, 50, 20, 20], [52, 50, 20, 20], [150, 50, 20, 20]]
    merged = hands._merged(box, np.array([0.6, 0.9, 0.7], np.float32))
    assert [row[0] for row in merged] == [pytest.approx(51.2), pytest.approx(150)]
