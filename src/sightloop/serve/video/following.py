"""From frames to notes: the model looks, the tracker follows, and what lies between two looks is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from sightloop.serve.sight import Finding, Sight
from sightloop.serve.video.clip import Still
from sightloop.serve.video.notes import ALONE, Box, Note, Notes
from sightloop.serve.video.tracker import Boxes, Ids, Tracker


class Looked(NamedTuple):
    """A frame and what the model found in it; None where it was not asked."""

    still: Still
    finding: Finding | None


class Noted(NamedTuple):
    """A frame and what is known of it, and the highest id so far."""

    still: Still
    note: Note
    highest: int


def look(stills: Iterable[Still], sight: Sight, every: int) -> Iterator[Looked]:
    """Ask the model about every so many frames."""
    for still in stills:
        yield Looked(still, None if still.number % every else sight.find(still.pixels))


def follow(looked: Iterable[Looked], tracker: Tracker | None, sure: float) -> Iterator[Noted]:
    """Give boxes their ids, and fill in what lies between two looks; at most one look is waited for.

    Without a tracker every box of a score from `sure` on is ALONE.
    """
    before: Note | None = None
    between: list[Still] = []
    highest = 0
    for still, finding in looked:
        if finding is None:
            between.append(still)
            continue
        note = _note(still, finding, tracker, sure)
        yield from (Noted(one, _filled(one, before, note), highest) for one in between)
        highest = tracker.highest if tracker else 0
        yield Noted(still, note, highest)
        before, between = note, []
    yield from (Noted(one, _filled(one, before, None), highest) for one in between)


def resume(tracker: Tracker, past: Notes) -> None:
    """Follow again what was followed at the end of these notes."""
    seen = [note for note in past.notes if note.looked]
    tracker.resume((_arrays(note) for note in seen), past.highest)


def _note(still: Still, finding: Finding, tracker: Tracker | None, sure: float) -> Note:
    alone = np.where(finding.boxes[:, 4] >= sure, ALONE, 0)
    ids = tracker.follow(finding.boxes) if tracker else alone
    boxes = [
        Box(x1, y1, x2, y2, score, int(place), one)
        for (x1, y1, x2, y2, score, place), one in zip(finding.boxes.tolist(), ids.tolist(), strict=True)
    ]
    return Note(still.number, still.time, boxes, finding.label, finding.score)


def _filled(still: Still, before: Note | None, after: Note | None) -> Note:
    """What is likely in a frame between two looks; a thing that only one of them saw is in that one's half."""
    known = before or after
    if before is None or after is None or any(box.id == ALONE for box in before.boxes):
        boxes = [box for box in known.boxes if box.id] if known else []
        return Note(still.number, still.time, boxes, known.label if known else "", known.score if known else 0.0, False)
    share = (still.number - before.frame) / (after.frame - before.frame)
    earlier, later = ({box.id: box for box in note.boxes if box.id} for note in (before, after))
    boxes = [_mixed(one, later[one.id], share) for one in earlier.values() if one.id in later]
    nearer, other = (earlier, later) if share < 0.5 else (later, earlier)
    boxes += [box for box in nearer.values() if box.id not in other]
    return Note(still.number, still.time, boxes, before.label, before.score, False)


def _mixed(one: Box, other: Box, share: float) -> Box:
    x1, y1, x2, y2 = (
        (1 - share) * a + share * b
        for a, b in zip((one.x1, one.y1, one.x2, one.y2), (other.x1, other.y1, other.x2, other.y2), strict=True)
    )
    return Box(x1, y1, x2, y2, min(one.score, other.score), one.place, one.id)


def _arrays(note: Note) -> tuple[Boxes, Ids]:
    rows = [(box.x1, box.y1, box.x2, box.y2, box.score, box.place) for box in note.boxes]
    return np.array(rows, np.float32).reshape(-1, 6), np.array([box.id for box in note.boxes], np.int64)
