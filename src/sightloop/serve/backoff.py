"""How long to wait before what failed is tried again."""

from __future__ import annotations

LONGEST_PAUSE = 60.0
_DOUBLINGS = 32  # more would not fit a float in the end, however short the first pause


def pause(first: float, tries: int) -> float:
    """The seconds to wait after so many failed tries: twice as long after each, up to LONGEST_PAUSE."""
    return min(first * 2.0 ** min(tries, _DOUBLINGS), LONGEST_PAUSE)
