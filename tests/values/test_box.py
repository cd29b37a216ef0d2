"""A box is checked when it is made."""

from __future__ import annotations

import msgspec
import pytest

from sightloop.values.box import Box, described


@pytest.mark.parametrize("corners", [(5, 0, 5, 9), (0, 9, 5, 3), (0, 0, float("nan"), 1), (0, 0, 1, float("inf"))])
def test_a_box_without_an_area_is_refused(corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    with pytest.raises(ValueError, match="box"):
        Box(label="ball", x1=x1, y1=y1, x2=x2, y2=y2)


def test_a_box_in_json_is_checked_too() -> None:
    with pytest.raises(msgspec.ValidationError, match="x1 < x2"):
        msgspec.json.decode(b'{"label":"ball","x1":3,"y1":0,"x2":1,"y2":2}', type=Box)
    assert msgspec.json.decode(b'{"label":"ball","x1":0,"y1":0,"x2":1,"y2":2}', type=Box).score == 1.0


def test_boxes_are_told_in_short() -> None:
    boxes = [Box(label=label, x1=0, y1=0, x2=1, y2=1) for label in ("player", "ball", "player")]
    assert described(boxes) == "1 ball, 2 player"
    assert described([]) == "nothing"
