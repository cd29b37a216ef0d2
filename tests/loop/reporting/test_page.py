"""The page of an evaluation tells all that it should, fetches nothing, and runs nothing that people wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import msgspec
import numpy as np
import pytest
from tests import packages
from tests.packages import DIGITS

from sightloop.loop.judging.decision import Decision, Finding
from sightloop.loop.judging.evaluation import evaluate
from sightloop.loop.reporting.page import POLICY, Evaluated, hardest, render
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Side, digest_of
from sightloop.values.scores import BoxScores, DetectionScores

EVIL = "<img src=x onerror=alert(1)>"


class Reader(HTMLParser):
    """Collects a page's elements, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def make(tmp_path: Any) -> Callable[..., tuple[Evaluated, Blobs]]:
    """What a small real model answered to sixty digits, three of them labelled wrongly; keywords replace fields."""

    def evaluated(**given: Any) -> tuple[Evaluated, Blobs]:
        blobs = Blobs(f"file://{tmp_path}/blobs")
        drawn = packages.drawn()[:60]
        places = blobs.pack([content for content, _ in drawn])
        entries = sorted(
            (
                Entry(
                    digest=digest_of(content),
                    label=str((int(label) + (row < 3)) % 10),
                    side=list(Side)[row % 3],
                    place=place,
                )
                for row, ((content, label), place) in enumerate(zip(drawn, places, strict=True))
            ),
            key=lambda entry: entry.digest,
        )
        sealed = packages.digits()
        report = evaluate(sealed, entries, blobs, threads=1)
        values: dict[str, Any] = {
            "name": "version 3",
            "card": sealed.card,
            "scores": report.scores,
            "answers": report.answers,
            "entries": entries,
            "data": Manifest(project="digits", classes=DIGITS.classes, entries=tuple(entries)),
            "facts": {"Run": "0190"},
        }
        return Evaluated(**(values | given)), blobs

    return evaluated


def renamed(evaluated: Evaluated, was: str, now: str) -> Evaluated:
    """The same with a class of another name."""

    def other(label: str) -> str:
        return now if label == was else label

    entries = [msgspec.structs.replace(entry, label=other(entry.label)) for entry in evaluated.entries]
    classes = tuple(map(other, evaluated.card.classes))
    per_class = {other(label): one for label, one in evaluated.scores.per_class.items()}
    return Evaluated(
        name=evaluated.name,
        card=msgspec.structs.replace(evaluated.card, classes=classes),
        scores=msgspec.structs.replace(evaluated.scores, per_class=per_class),
        answers=evaluated.answers,
        entries=entries,
        data=Manifest(project="digits", classes=classes, entries=tuple(entries)),
        facts={now: now},
    )


def test_the_hardest_mistakes_come_first(make: Callable[..., tuple[Evaluated, Blobs]]) -> None:
    evaluated, blobs = make()
    found = hardest(evaluated, blobs, 100)
    assert len(found) == round((1 - evaluated.scores.flat()["accuracy"]) * 60) >= 3
    assert [one.given for one in found] == sorted(one.given for one in found)
    assert all(one.label != one.answer and one.picture.startswith("data:image/png") for one in found)
    assert hardest(evaluated, blobs, 2) == found[:2]


def test_the_page_tells_all(make: Callable[..., tuple[Evaluated, Blobs]]) -> None:
    finding = Finding(name="floor accuracy", held=False, numbers={"got": 0.9, "least": 0.99}, sentence="too little")
    curves = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.2}]
    evaluated, blobs = make(decision=Decision.of([finding]), curves=curves, rival={"accuracy": 0.875})
    page = Reader(render(evaluated, blobs))
    text = " ".join(" ".join(page.texts).split())
    wrong = round((1 - evaluated.scores.flat()["accuracy"]) * 60)
    for told in ("Refused by the gate", "too little", "got 0.9, least 0.99", "champion 0.8750", f"of {wrong} wrong"):
        assert told in text
    assert f"{evaluated.scores.flat()['accuracy']:.4f}" in text
    assert "95 % interval" in text
    assert len([tag for tag, _ in page.elements if tag == "svg"]) == 4
    assert "Training" in text
    plain, _ = make()
    assert "gate" not in " ".join(Reader(render(plain, blobs)).texts)


def test_the_page_fetches_nothing_and_runs_nothing(make: Callable[..., tuple[Evaluated, Blobs]]) -> None:
    evaluated, blobs = make()
    text = render(renamed(evaluated, "1", EVIL), blobs)
    page = Reader(text)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert re.match(r"data:|#", attributes.get(name) or "#")
    assert EVIL in "".join(page.texts)
    assert "default-src 'none'" in POLICY
    (policy,) = [one["content"] for tag, one in page.elements if tag == "meta" and "http-equiv" in one]
    assert policy is not None
    assert POLICY.startswith(policy)


def test_a_model_without_mistakes_and_one_of_hands(make: Callable[..., tuple[Evaluated, Blobs]]) -> None:
    evaluated, blobs = make()
    rows = np.arange(60)
    assert evaluated.answers is not None
    right = [
        msgspec.structs.replace(entry, label=evaluated.card.classes[evaluated.answers[row].argmax()])
        for row, entry in zip(rows, evaluated.entries, strict=True)
    ]
    assert "No answer was wrong." in render(make(entries=right)[0], blobs)


def test_mistakes_about_hands_are_drawn(tmp_path: Any) -> None:
    recipe: Recipe = packages.GESTURES
    blobs, sealed = Blobs(f"file://{tmp_path}/hands"), packages.gestures()
    contents = sorted((packages.hand(seed).tobytes() for seed in range(20)), key=digest_of)
    entries = [
        Entry(digest=digest_of(content), label=recipe.classes[0], side=Side.TEST, place=place)
        for content, place in zip(contents, blobs.pack(contents), strict=True)
    ]
    report = evaluate(sealed, entries, blobs, threads=1)
    data = Manifest(project="gestures", classes=recipe.classes, entries=tuple(entries))
    evaluated = Evaluated("version 1", sealed.card, report.scores, report.answers, entries, data, {})
    assert all(one.picture.startswith("data:image/svg+xml;") for one in hardest(evaluated, blobs, 20))
    assert "data:image/svg+xml;" in render(evaluated, blobs)


def test_a_detector_is_told_of_by_its_boxes(make: Callable[..., tuple[Evaluated, Blobs]]) -> None:
    boxes = BoxScores(ap50=0.75, ap=0.5, precision=0.875, recall=0.25, support=12)
    scores = DetectionScores(samples=60, map50=0.75, map=0.5, precision=0.875, recall=0.25, per_class={"1": boxes})
    evaluated, blobs = make(scores=scores, answers=None)
    text = " ".join(" ".join(Reader(render(evaluated, blobs)).texts).split())
    for told in ("0.7500 mAP at overlap 0.5", "Average precision by class", "0.8750 0.2500 12"):
        assert told in text
    assert "Hardest mistakes" not in text
