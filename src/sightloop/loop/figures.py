"""Figures of a run, as PNG and in numbers: the confusion matrix, the training curves, the samples of each class."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from sightloop.values.dataset import Manifest
from sightloop.values.sample import Side
from sightloop.values.scores import DetectionScores, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _DPI = 8.0, 100


def draw(
    folder: Path, scores: Scores | DetectionScores, curves: Sequence[dict[str, float]], manifest: Manifest
) -> list[Path]:
    """Write `classes.png`, `confusion.png` or for a detector `precision.png`, and `curves.png` where there are any.

    Returns their paths.
    """
    figures = {"classes": _distribution(manifest)}
    if isinstance(scores, DetectionScores):
        figures["precision"] = _precision(scores)
    else:
        figures["confusion"] = _confusion(scores, manifest.classes)
    if curves:
        figures["curves"] = _curves(curves)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path, format="png", dpi=_DPI)
        paths.append(path)
    return paths


def write(folder: Path, curves: Sequence[dict[str, float]]) -> None:
    """Write the curves' numbers as `curves.json` and `curves.csv`, a row for each epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curves.json").write_bytes(msgspec.json.encode(curves))
    columns = list(dict.fromkeys(name for row in curves for name in row))
    with (folder / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(curves)


def _figure(height: float) -> Figure:
    # No pyplot: it keeps every figure and picks a screen; a bare Figure draws with Agg and is freed.
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), layout="constrained")


def _confusion(scores: Scores, classes: Sequence[str]) -> Figure:
    counts = np.array(scores.confusion)
    figure = _figure(_WIDTH * 0.9)
    axes = figure.subplots()
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(rates, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if rates[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(len(classes)), labels=list(classes), rotation=90)
    axes.set_yticks(range(len(classes)), labels=list(classes))
    axes.set(
        xlabel="answered", ylabel="true", title=f"{scores.samples} held-out samples, accuracy {scores.accuracy:.4f}"
    )
    return figure


def _precision(scores: DetectionScores) -> Figure:
    figure = _figure(_WIDTH * 0.5)
    axes = figure.subplots()
    labels = list(scores.per_class)
    places = np.arange(len(labels))
    axes.bar(places - 0.2, [one.ap50 for one in scores.per_class.values()], 0.4, label="overlap 0.5")
    axes.bar(places + 0.2, [one.ap for one in scores.per_class.values()], 0.4, label="0.5 to 0.95")
    axes.set_xticks(places, labels=labels)
    axes.set(ylim=(0, 1), title=f"average precision on {scores.samples} held-out pictures, mAP {scores.map:.4f}")
    axes.legend()
    return figure


def _distribution(manifest: Manifest) -> Figure:
    figure = _figure(_WIDTH * 0.5)
    axes = figure.subplots()
    below = np.zeros(len(manifest.classes))
    for side in Side:
        labels = [label for entry in manifest.on(side) for label in entry.labels]
        counts = np.array([labels.count(label) for label in manifest.classes])
        axes.bar(manifest.classes, counts, bottom=below, label=str(side))
        below = below + counts
    axes.tick_params(axis="x", rotation=90)
    axes.set(ylabel="samples", title="samples of each class")
    axes.legend()
    return figure


def _curves(curves: Sequence[dict[str, float]]) -> Figure:
    names = [name for name in dict.fromkeys(name for row in curves for name in row) if name != "epoch"]
    figure = _figure(_WIDTH * 0.5)
    axes = figure.subplots()
    for name in names:
        axes.plot(range(1, len(curves) + 1), [row.get(name, np.nan) for row in curves], marker=".", label=name)
    axes.set(xlabel="epoch", title="training")
    axes.legend()
    return figure
