"""What was seen in each frame of a video: kept piece by piece, told as JSON and CSV at the end."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

COLUMNS = ("frame", "time", "id", "class", "score", "x1", "y1", "x2", "y2")

ALONE = -1
"""The id of a box that nothing is followed by."""


class Box(Struct, frozen=True, array_like=True):
    """A box in pixels of the video, its score, its class's index, and its thing's id: 0 while it has none, or ALONE."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    place: int
    id: int = 0


class Note(Struct, frozen=True, array_like=True):
    """What was seen in a frame: boxes, or one class (`label`) of the whole with its confidence.

    `looked` says whether the model saw this frame; else the boxes are interpolated, the class held.
    """

    frame: int
    time: float
    boxes: list[Box] = []
    label: str = ""
    score: float = 0.0
    looked: bool = True


class Notes(Struct, frozen=True):
    """The notes of one piece, and the highest id given until its end."""

    notes: list[Note]
    highest: int

    def write(self, path: Path) -> None:
        """Write them; they are there when they are whole."""
        being = path.with_suffix(".new")
        being.write_bytes(msgspec.json.encode(self))
        being.replace(path)

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes in a file."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def rows(notes: Iterable[Note], classes: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """A row of COLUMNS for each thing in each frame; the id is 0 where nothing is followed, and of a frame's class."""
    for note in notes:
        time = round(note.time, 4)
        if note.label:
            yield (note.frame, time, 0, note.label, round(note.score, 4), *[None] * 4)
        for box in note.boxes:
            if box.id:
                corners = (round(edge, 2) for edge in (box.x1, box.y1, box.x2, box.y2))
                yield (note.frame, time, max(box.id, 0), classes[box.place], round(box.score, 4), *corners)


def write_csv(path: Path, found: Iterable[tuple[Any, ...]]) -> int:
    """Write the rows as CSV with a header; how many there were."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in found:
            writer.writerow(row)
            count += 1
    return count


def write_json(path: Path, head: dict[str, Any], found: Iterable[tuple[Any, ...]]) -> None:
    """Write the rows as JSON, under `tracks` beside what `head` says; never all of them in memory."""
    with path.open("wb") as file:
        file.write(msgspec.json.encode(head)[:-1] + (b"," if head else b"") + b'"tracks":[')
        for number, row in enumerate(found):
            file.write(b",\n" if number else b"\n")
            file.write(msgspec.json.encode(dict(zip(COLUMNS, row, strict=True))))
        file.write(b"\n]}\n")
