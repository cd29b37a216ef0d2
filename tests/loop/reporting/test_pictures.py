"""The pictures that a detector did worst on come first, with what became of every box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import packages
from tests.packages import SQUARES, painted

from sightloop.loop.judging import detecting
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.reporting.page import Evaluated, render
from sightloop.loop.reporting.pictures import hardest_pictures, marked
from sightloop.store.blobs import Blobs
from sightloop.values.box import Box
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.image import Image
from sightloop.values.sample import Side, digest_of


def marks(*squares: tuple[str, int, int]) -> tuple[Box, ...]:
    return tuple(Box(label=label, x1=16 * x, y1=16 * y, x2=16 * x + 16, y2=16 * y + 16) for label, x, y in squares)


# What is in a picture, and what people said is in it: right, one of another class, one too few and one too many.
TOLD = [
    ([("red", 1, 1), ("green", 4, 2)], marks(("red", 1, 1), ("green", 4, 2))),
    ([("red", 2, 1), ("green", 3, 3)], marks(("red", 2, 1), ("red", 3, 3))),
    ([("green", 0, 2)], marks(("green", 0, 2), ("green", 5, 0))),
]


@pytest.fixture
def judged(tmp_path: Path) -> tuple[BoxReport, list[Entry], Blobs]:
    """What the detector of squares answered to these pictures."""
    pytest.importorskip("pycocotools")
    blobs = Blobs(f"file://{tmp_path}/blobs")
    contents = [Image(painted(*squares)).encode() for squares, _ in TOLD]
    entries = [
        Entry(digest=digest_of(content), label="", side=Side.TEST, place=place, boxes=boxes)
        for content, place, (_, boxes) in zip(contents, blobs.pack(contents), TOLD, strict=True)
    ]
    return detecting.evaluate(packages.squares(), entries, blobs, threads=1), entries, blobs


def test_the_worst_come_first_and_a_right_one_not_at_all(judged: tuple[BoxReport, list[Entry], Blobs]) -> None:
    report, entries, blobs = judged
    found = hardest_pictures(report.sure, entries, SQUARES.classes, blobs, 6)
    assert [one.sample for one in found] == [entries[1].digest, entries[2].digest]
    counts = [[one.count(kind) for kind in ("right", "wrong", "missed")] for one in found]
    assert counts == [[1, 1, 1], [1, 0, 1]]
    assert (found[0].width, found[0].height) == (96, 64)
    (missed,) = [box for box in found[1].boxes if box.kind == "missed"]
    assert (missed.x, missed.y, missed.width, missed.height, missed.told) == (80, 0, 16, 16, "green")
    assert hardest_pictures(report.sure, entries, SQUARES.classes, blobs, 1) == found[:1]


def test_a_box_is_found_once_by_the_surest_answer() -> None:
    answers = np.array([[0, 0, 10, 10, 0.5, 0], [0, 0, 10, 9, 0.9, 0], [0, 0, 10, 10, 0.8, 1]], np.float32)
    truth = np.array([[0, 0, 10, 10, 0]], np.float32)
    assert [(box.kind, box.told) for box in marked(answers, truth, ("red", "green"))] == [
        ("right", "red 0.90"),
        ("wrong", "green 0.80"),
        ("wrong", "red 0.50"),
    ]


def test_the_page_shows_them(judged: tuple[BoxReport, list[Entry], Blobs]) -> None:
    report, entries, blobs = judged
    pytest.importorskip("matplotlib")

    def page(**given: Any) -> str:
        data = Manifest(
            project="squares", classes=SQUARES.classes, entries=tuple(sorted(entries, key=lambda one: one.digest))
        )
        card = packages.squares().card
        return render(Evaluated("version 1", card, report.scores, None, entries, data, {}, **given), blobs)

    text = page(boxes=report.sure)
    assert text.count("<figure>") == 2
    assert "boxes: 1 right, 1 wrong, 1 missed" in text
    assert text.count('<rect class="missed"') == 2
    assert "missed: green" in text
    assert "Hardest pictures" not in page()
