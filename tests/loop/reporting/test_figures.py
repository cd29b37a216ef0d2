"""Figures are drawn without a screen."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sightloop import plugins
from sightloop.loop.reporting import figures
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.image import Image
from sightloop.values.sample import Place, Side
from sightloop.values.scores import Bin, Scores

CURVES = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.2, "val_loss": 0.3, "accuracy": 0.9}]
BINS = [Bin(samples=2, confidence=0.6, accuracy=0.5), Bin(samples=90, confidence=0.99, accuracy=1.0)]


def judged(*classes: str) -> tuple[Scores, Manifest]:
    """Scores of two classes with one mistake, and a version with a sample of each."""
    truth = np.array([0, 1, 1])
    answers = np.eye(2, dtype=np.float32)[[0, 1, 0]]
    entries = tuple(
        Entry(digest=digit * 64, label=label, side=Side.TRAIN, place=Place("0" * 64, 0, 1))
        for digit, label in zip("12", classes, strict=True)
    )
    scores = plugins.load("tasks", "classification").score(answers, truth, classes)
    return scores, Manifest(project="tens", classes=classes, entries=entries)


def test_figures_are_pictures_of_their_own(tmp_path: Path) -> None:
    scores, manifest = judged("a", "b")
    paths = figures.draw(tmp_path, scores, [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.2}], manifest)
    assert [path.name for path in paths] == ["confusion.png", "classes.png", "curves.png"]
    assert all(Image.decode(path.read_bytes()).pixels.std() > 1 for path in paths)
    assert len(figures.draw(tmp_path, scores, [], manifest)) == 2
    assert [path.name for path in figures.draw(tmp_path, scores, [], manifest, BINS)][2] == "reliability.png"


def test_figures_for_a_page_are_whole_elements_in_the_pages_ink() -> None:
    scores, manifest = judged("a", "b")
    drawn = figures.inline(scores, CURVES, manifest, BINS)
    assert list(drawn) == ["confusion", "classes", "reliability", "curves"]
    identities = []
    for svg in drawn.values():
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "currentColor" in svg
        identities += [one.get("id") for one in root.iter() if one.get("id")]
    assert len(identities) == len(set(identities))
    assert figures.inline(scores, CURVES, manifest, BINS) == drawn


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "$x_$", "a & b", "猫", "-->"])
def test_a_class_may_be_called_anything(name: str, tmp_path: Path) -> None:
    scores, manifest = judged(name, "b")
    svg = figures.inline(scores, [], manifest)["confusion"]
    assert "<script" not in svg
    texts = {"".join(one.itertext()) for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    assert name in texts
    assert len(figures.draw(tmp_path, scores, [], manifest)) == 2
