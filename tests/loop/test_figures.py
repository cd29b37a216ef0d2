"""Figures are drawn without a screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightloop import plugins
from sightloop.loop import figures
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.image import Image
from sightloop.values.sample import Place, Side


def test_figures_are_pictures_of_their_own(tmp_path: Path) -> None:
    truth = np.array([0, 1, 1])
    scores = plugins.load("tasks", "classification").score(np.eye(2, dtype=np.float32)[truth], truth, ("a", "b"))
    entries = tuple(
        Entry(digest=digit * 64, label=label, side=Side.TRAIN, place=Place("0" * 64, 0, 1))
        for digit, label in (("1", "a"), ("2", "b"))
    )
    manifest = Manifest(project="tens", classes=("a", "b"), entries=entries)
    paths = figures.draw(tmp_path, scores, [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.2}], manifest)
    assert [path.name for path in paths] == ["confusion.png", "classes.png", "curves.png"]
    assert all(Image.decode(path.read_bytes()).pixels.std() > 1 for path in paths)
    assert len(figures.draw(tmp_path, scores, [], manifest)) == 2
