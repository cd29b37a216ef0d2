"""The finder that a package carries finds the hands that MediaPipe's steps find, and those that fill a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sightloop.serve.hands import Hands
from sightloop.trainers.hands.finder import finder
from sightloop.trainers.hands.shapes import distances
from sightloop.values.image import Image


@pytest.fixture(scope="module")
def find(hand_networks: Path) -> Any:
    """The finder as a function of pictures (N, height, width, 3) to the shapes of hands, and how sure they are."""
    module = finder(hand_networks)

    def found(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.no_grad():
            points, sure = module(torch.from_numpy(pixels))
            return distances(points).numpy(), sure.numpy()

    return found


@pytest.fixture(scope="module")
def photographs(shared_data: Path) -> NDArray[np.uint8]:
    """People who show palms, fists and two fingers, in squares as a classifier gets them."""
    folder = shared_data / "gestures" / "photos"
    files = [file for shown in ("palm", "fist", "peace") for file in sorted((folder / shown).glob("*.jpg"))]
    return np.stack([Image.decode(file.read_bytes()).resized(320, 320) for file in files])


def test_shapes_are_those_of_mediapipes_steps(find: Any, hand_networks: Path, photographs: NDArray[np.uint8]) -> None:
    shapes, sure = find(photographs)
    hands, compared = Hands(hand_networks), 0
    for shape, confidence, picture in zip(shapes, sure, photographs, strict=True):
        if confidence < 0.5:
            continue
        expected = distances(torch.from_numpy(hands.find(picture).points[None, :, :2])).numpy()[0]
        assert np.abs(shape - expected).mean() < 0.05  # of the wrist's distance; the palm's box is one of many there
        compared += 1
    assert compared >= 5


def test_one_picture_and_many_give_the_same(find: Any, photographs: NDArray[np.uint8]) -> None:
    shapes, sure = find(photographs)
    alone = [find(picture[None]) for picture in photographs]
    np.testing.assert_allclose(np.concatenate([shape for shape, _ in alone]), shapes, atol=1e-3)
    np.testing.assert_allclose(np.concatenate([confidence for _, confidence in alone]), sure, atol=1e-4)


def test_a_hand_that_fills_the_picture_is_found(find: Any, shared_data: Path) -> None:
    photo = Image.decode((shared_data / "gestures" / "photos" / "stop" / "stop_00005.jpg").read_bytes()).pixels
    height, width = photo.shape[:2]
    part = np.ascontiguousarray(photo[: int(0.9 * height), int(0.33 * width) :])
    _, sure = find(cv2.resize(part, (320, 320))[None])
    assert sure[0] > 0.65


def test_without_a_hand_it_is_not_sure(find: Any) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (2, 160, 240, 3), np.uint8)
    assert (find(noise)[1] < 0.35).all()
    assert (find(np.zeros((1, 100, 100, 3), np.uint8))[1] < 0.35).all()
