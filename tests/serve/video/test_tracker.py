"""Things keep their ids while they move, cross the gaps of a weak detector, and outlive a restart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightloop.serve.video.tracker import Tracker


def boxes(frame: int, *, sure: float = 0.9) -> NDArray[np.float32]:
    """Two things that pass each other at different heights, and one that stands still."""
    rows = [
        (10 + 4 * frame, 10, 40 + 4 * frame, 70, sure, 0),
        (400 - 4 * frame, 150, 430 - 4 * frame, 210, sure, 0),
        (200, 300, 240, 340, sure, 1),
    ]
    return np.array(rows, np.float32)


def test_things_keep_their_ids() -> None:
    tracker = Tracker(25, 0.3)
    seen = [tracker.follow(boxes(frame)).tolist() for frame in range(60)]
    assert seen[0] == [0, 0, 0]  # nobody knows yet whether they stay
    assert seen[5:] == [[1, 2, 3]] * 55
    assert tracker.highest == 3


def test_a_weak_box_goes_on_with_a_thing_and_begins_none() -> None:
    tracker = Tracker(25, 0.3)
    for frame in range(10):
        tracker.follow(boxes(frame))
    assert [tracker.follow(boxes(frame, sure=0.15)).tolist() for frame in range(10, 14)] == [[1, 2, 3]] * 4
    fresh = Tracker(25, 0.3)
    assert [fresh.follow(boxes(frame, sure=0.15)).tolist() for frame in range(10)] == [[0, 0, 0]] * 10


def test_a_thing_that_was_hidden_for_half_a_second_keeps_its_id() -> None:
    tracker = Tracker(25, 0.3)
    for frame in range(20):
        tracker.follow(boxes(frame))
    for frame in range(20, 32):
        assert tracker.follow(boxes(frame)[1:]).tolist() == [2, 3]
    assert tracker.follow(boxes(32)).tolist() == [1, 2, 3]


def test_ids_outlive_a_restart_and_new_ones_go_on_counting() -> None:
    tracker = Tracker(25, 0.3)
    past = [(boxes(frame), tracker.follow(boxes(frame)) * 10) for frame in range(30)]  # as if they had been 10, 20, 30
    again = Tracker(25, 0.3)
    again.resume(past[-20:], highest=30)
    assert again.follow(boxes(30)).tolist() == [10, 20, 30]
    more = np.concatenate([boxes(31), np.array([[500, 20, 540, 60, 0.9, 0]], np.float32)])
    assert [again.follow(more).tolist() for _ in range(5)][-1] == [10, 20, 30, 31]


def test_no_boxes_are_no_ids() -> None:
    tracker = Tracker(25, 0.3)
    assert tracker.follow(np.zeros((0, 6), np.float32)).tolist() == []
    tracker.follow(boxes(0))
    assert tracker.follow(np.zeros((0, 6), np.float32)).tolist() == []
