"""A box around one thing in a picture, as a person drew it or a detector found it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct


class Box(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class and two corners, in pixels of the picture as it was sent: x to the right, y down, from the top left.

    `score` is how sure a detector is, 0 to 1; a person's box has 1. A box without an area is refused (ValueError).
    """

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float = 1.0

    def __post_init__(self) -> None:
        """Refuse corners that are no numbers, and a second corner that is not to the right and below the first."""
        if not all(map(math.isfinite, (self.x1, self.y1, self.x2, self.y2))):
            raise ValueError("a box's corners must be finite numbers")
        if self.x2 <= self.x1 or self.y2 <= self.y1:
            raise ValueError(f"a box needs x1 < x2 and y1 < y2, not {self.x1:g}, {self.y1:g}, {self.x2:g}, {self.y2:g}")

    def overlap(self, other: Box) -> float:
        """The area that two boxes share, as a share of what they cover together."""
        wide = min(self.x2, other.x2) - max(self.x1, other.x1)
        high = min(self.y2, other.y2) - max(self.y1, other.y1)
        shared = max(wide, 0.0) * max(high, 0.0)
        return shared / (self.area + other.area - shared)

    @property
    def area(self) -> float:
        """In square pixels."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2."""
        return self.x1, self.y1, self.x2, self.y2


def described(boxes: Iterable[Box]) -> str:
    """How many boxes of each class there are, for people, as in `1 ball, 20 player`; `nothing` for none."""
    counts = Counter(box.label for box in boxes)
    return ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "nothing"


def agree(found: Iterable[Box], truth: Iterable[Box], least: float = 0.5) -> bool:
    """Whether each box has one of its class on the other side with at least this overlap, and none is left over."""
    left = list(truth)
    for box in found:
        same = [other for other in left if other.label == box.label and box.overlap(other) >= least]
        if not same:
            return False
        left.remove(max(same, key=box.overlap))
    return not left
