"""When a frame of a stream is begun: an answer about an old picture is worth less than a later one about a new."""

from __future__ import annotations

SLACK = 0.35
"""The share of an answer's time for which a frame may have waited when it is begun."""
LEAST_SLACK = 0.005
"""So many seconds a frame may have waited in any case."""
_NEWS = 0.2
_LATE = 1.5


class Pace:
    """What a stream learned of its source and its model: the seconds between frames, and those that an answer takes."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._between: float | None = None
        self._took: float | None = None

    def arrived(self, at: float) -> None:
        """A frame arrived at this moment, in seconds of a steady clock."""
        if self._last is not None:
            self._between = _mixed(self._between, at - self._last)
        self._last = at

    def answered(self, seconds: float) -> None:
        """An answer took so long."""
        self._took = _mixed(self._took, seconds)

    def pause(self, waited: float) -> float:
        """How many seconds a frame that has waited so long should be left for a fresher one that is due; 0: begin it.

        A frame that comes while nothing runs is begun at once, and one that is the last is begun when the next is late.
        """
        if self._took is None or self._between is None or waited <= max(LEAST_SLACK, SLACK * self._took):
            return 0.0
        return max(0.0, _LATE * self._between - waited)


def _mixed(before: float | None, news: float) -> float:
    return news if before is None else (1 - _NEWS) * before + _NEWS * news
