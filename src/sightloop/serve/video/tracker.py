"""Which box of a frame is which thing of the frames before: ByteTrack, with ids that outlive a restart.

Zhang et al. (2022), "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", as `trackers` has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import MissingExtra

LOST_SECONDS = 1.2
"""How long a thing may be out of sight and keep its id."""
_NEW = 0
_BEGIN = 0.1  # surer by so much, as in ByteTrack's own code, is a box that begins a track
_LOOKS = 3

Boxes = NDArray[np.float32]
"""Rows of x1, y1, x2, y2, score, class index."""
Ids = NDArray[np.int64]


class Tracker:
    """Gives each box an id, counted from 1 in the order of appearance, or 0 while it is not followed yet.

    `rate` is the looks a second. A box of a score from `sure` on may begin a track; a weaker one only goes on with one.
    """

    def __init__(self, rate: float, sure: float) -> None:
        try:
            import supervision
            from trackers import ByteTrackTracker
        except ModuleNotFoundError as error:
            raise MissingExtra("tracking needs trackers", hint="Install `sightloop[video]`.") from error
        self._detections: Any = supervision.Detections
        self._tracker = ByteTrackTracker(
            lost_track_buffer=max(1, round(LOST_SECONDS * 30)),  # counted at 30 frames a second, whatever the rate
            frame_rate=rate,
            track_activation_threshold=min(0.9, sure + _BEGIN),
            minimum_consecutive_frames=_LOOKS,
            high_conf_det_threshold=sure,
        )
        self._ours: dict[int, int] = {}
        self.highest = 0

    def follow(self, boxes: Boxes) -> Ids:
        """The id of each box of the next frame."""
        theirs = self._update(boxes)
        for one in theirs[theirs > 0].tolist():
            if one not in self._ours:
                self.highest += 1
                self._ours[one] = self.highest
        return np.array([self._ours.get(one, _NEW) for one in theirs.tolist()], np.int64)

    def resume(self, past: Iterable[tuple[Boxes, Ids]], highest: int) -> None:
        """Follow again what was followed in the last frames, under the ids that the things had."""
        for boxes, ids in past:
            theirs = self._update(boxes)
            known = (theirs > 0) & (ids > 0)
            self._ours.update(zip(theirs[known].tolist(), ids[known].tolist(), strict=True))
        self.highest = highest

    def _update(self, boxes: Boxes) -> Ids:
        """The tracker's own ids, from 1, in the order of the boxes."""
        given = self._detections(
            xyxy=boxes[:, :4].astype(np.float32),
            confidence=boxes[:, 4].astype(np.float32),
            class_id=boxes[:, 5].astype(int),
            data={"place": np.arange(len(boxes))},
        )
        tracked = self._tracker.update(given)
        ids = np.zeros(len(boxes), np.int64)
        if len(tracked):
            ids[tracked.data["place"]] = np.asarray(tracked.tracker_id) + 1
        return ids
