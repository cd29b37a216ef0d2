"""Prints of pictures: what counts as nearly the same, and what must not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests import tens

from sightloop.data import prints


def photo(seed: int, size: int = 160) -> NDArray[np.uint8]:
    """A made-up photograph: smooth patches of colour."""
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


def jpeg(pixels: NDArray[np.uint8], quality: int = 95) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def printed(content: bytes) -> str:
    found = prints.of(content)
    assert found is not None
    return found


def near(one: bytes, other: bytes) -> bool:
    return prints.pairs(prints.words([printed(one), printed(other)])) == [(0, 1)]


def test_a_picture_written_anew_is_near() -> None:
    one = photo(0)
    bright = np.asarray(cv2.convertScaleAbs(one, alpha=0.9, beta=15), np.uint8)
    for other in (jpeg(one, 50), jpeg(np.asarray(cv2.resize(one, (100, 100)), np.uint8)), jpeg(bright)):
        assert near(jpeg(one), other)


@pytest.mark.parametrize("cut", [0, 5, 11, 17])
def test_cuts_find_a_copy_that_was_cropped_and_mirrored(cut: int) -> None:
    whole, other = photo(3), photo(4)
    copy = cv2.resize(whole[cut : 160 - cut, cut : 160 - cut][:, ::-1], (120, 120))
    assert prints.distance(prints.cuts(whole)[:1], prints.cuts(np.asarray(copy, np.uint8))[:1]) > prints.NEAR
    assert prints.distance(prints.cuts(whole), prints.cuts(np.asarray(copy, np.uint8))[:1]) <= prints.NEAR
    assert prints.distance(prints.cuts(other), prints.cuts(np.asarray(copy, np.uint8))[:1]) > prints.NEAR


def test_other_pictures_are_not_near() -> None:
    words = prints.words([printed(jpeg(photo(seed))) for seed in range(60)])
    assert prints.pairs(words) == []
    assert prints.nearest(words[:3], words[3:]) == [None, None, None]
    assert prints.nearest(words[:3], words) == [0, 1, 2]
    assert prints.nearest(words, words[:0]) == [None] * 60


def test_digits_flat_pictures_and_what_is_no_picture_have_no_print() -> None:
    assert {prints.of(item.content) for item in tens.samples(50)} == {None}
    flat = np.full((200, 200, 3), 90, np.uint8)
    dot = flat.copy()
    cv2.circle(dot, (60, 80), 25, (250, 10, 10), -1)
    assert prints.of(jpeg(flat)) is None
    assert prints.of(cv2.imencode(".png", dot)[1].tobytes()) is None
    assert prints.of(b"landmarks") is None


@pytest.mark.parametrize("folder", ["rps", "leaves"])
def test_in_real_sets_hardly_any_two_pictures_are_near_but_new_copies_are(shared_data: Path, folder: str) -> None:
    paths = sorted(path for path in (shared_data / folder).rglob("*") if path.is_file())[::6][:100]
    contents = [path.read_bytes() for path in paths]
    known = prints.words([printed(content) for content in contents])
    assert len(prints.pairs(known)) <= 2
    copies = [cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) for content in contents]
    anew = prints.words([printed(jpeg(np.asarray(copy, np.uint8), 70)) for copy in copies])
    assert sum(found == row for row, found in enumerate(prints.nearest(anew, known))) >= 97
