"""Figures of a run: the confusion matrix, how sure and how right it was, the training curves, the classes' samples."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from sightloop.values.dataset import Manifest
from sightloop.values.sample import Side
from sightloop.values.scores import Bin, DetectionScores, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _DPI = 6.4, 125
_INK = "#010203"  # black in a picture, and the colour of the text around it in a page
_RIGHT, _WRONG = (0.12, 0.47, 0.71), (0.84, 0.15, 0.16)
_COUNTED = 40  # so many classes, and the numbers of a confusion matrix can still be read

Curves = Sequence[Mapping[str, float]]


Judged = Scores | DetectionScores


def draw(folder: Path, scores: Judged, curves: Curves, manifest: Manifest, bins: Sequence[Bin] = ()) -> list[Path]:
    """Write `classes.png`, `confusion.png` or for a detector `precision.png`, and what else there is to show.

    That is `reliability.png` and `curves.png`. Returns their paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with _drawing():
        for name, figure in _figures(scores, curves, manifest, bins).items():
            path = folder / f"{name}.png"
            figure.savefig(path, format="png", dpi=_DPI, facecolor="white")
            paths.append(path)
    return paths


def write(folder: Path, curves: Curves) -> None:
    """Write the curves' numbers as `curves.json` and `curves.csv`, a row for each epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "curves.json").write_bytes(msgspec.json.encode(curves))
    columns = list(dict.fromkeys(name for row in curves for name in row))
    with (folder / "curves.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(curves)


def inline(scores: Judged, curves: Curves, manifest: Manifest, bins: Sequence[Bin] = ()) -> dict[str, str]:
    """The same figures as SVG elements for a page, by name: see-through, their ink the page's own (`currentColor`)."""
    with _drawing():
        figures = _figures(scores, curves, manifest, bins)
        return {name: _svg(name, figure) for name, figure in figures.items()}


@contextmanager
def _drawing() -> Iterator[None]:
    import matplotlib as mpl

    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    # No mathematics: a class may be called `$x$`.
    style: Any = dict.fromkeys(ink, _INK) | {"text.parse_math": False, "svg.fonttype": "none"}
    style |= {"figure.facecolor": "none", "axes.facecolor": "none", "legend.framealpha": 0, "axes.titlesize": "medium"}
    with mpl.rc_context(style), warnings.catch_warnings():
        # A page's reader has the letters that our font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        yield


def _svg(name: str, figure: Figure) -> str:
    import matplotlib as mpl

    file = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):  # the same bytes each time, and no two figures with one id
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = file.getvalue()
    text = re.sub(r' id="[\w.]+_\d+"', "", text[text.index("<svg") :])
    return text.replace(_INK, "currentColor")


def _figures(scores: Judged, curves: Curves, manifest: Manifest, bins: Sequence[Bin]) -> dict[str, Figure]:
    figures = {}
    if isinstance(scores, DetectionScores):
        figures["precision"] = _precision(scores)
    else:
        figures["confusion"] = _confusion(scores, manifest.classes)
    figures["classes"] = _distribution(manifest)
    if bins and isinstance(scores, Scores):
        figures["reliability"] = _reliability(bins, scores.ece)
    if len(curves) > 1:  # a single point is no curve
        figures["curves"] = _curves(curves)
    return figures


def _figure(height: float) -> Figure:
    # No pyplot: it keeps every figure and picks a screen; a bare Figure draws with Agg and is freed.
    from matplotlib.figure import Figure

    return Figure(figsize=(_WIDTH, height), layout="constrained")


def _confusion(scores: Scores, classes: Sequence[str]) -> Figure:
    counts = np.array(scores.confusion)
    figure = _figure(_WIDTH * 0.9)
    axes = figure.subplots()
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The share is how opaque a cell is, so that the figure stands on any ground; a single mistake is to be seen too.
    shown = np.where(counts > 0, np.maximum(rates, 0.12), 0)
    axes.imshow(np.concatenate([np.where(np.eye(len(classes))[..., None] > 0, _RIGHT, _WRONG), shown[..., None]], -1))
    size = min(9.0, 140 / len(classes))
    for (row, column), count in np.ndenumerate(counts):
        if count and len(classes) <= _COUNTED:
            colour = "white" if rates[row, column] > 0.5 else _INK
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)
    axes.set_xticks(range(len(classes)), labels=list(classes), rotation=90)
    axes.set_yticks(range(len(classes)), labels=list(classes))
    axes.set(
        xlabel="answered", ylabel="true", title=f"{scores.samples} held-out samples, accuracy {scores.accuracy:.4f}"
    )
    return figure


def _reliability(bins: Sequence[Bin], error: float) -> Figure:
    figure = _figure(_WIDTH * 0.6)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    confidence = [one.confidence for one in bins]
    upper.plot((0, 1), (0, 1), color=_INK, linewidth=1, linestyle=":", label="as sure as right")
    sizes = 20 + 200 * np.array([one.samples for one in bins]) / max(one.samples for one in bins)
    upper.scatter(
        confidence, [one.accuracy for one in bins], sizes, color=[_RIGHT], label="the model", clip_on=False, zorder=3
    )
    upper.set(ylabel="share of right answers", title=f"calibration error {error:.4f}", xlim=(0, 1.03), ylim=(0, 1.05))
    upper.legend(loc="upper left")
    lower.bar(confidence, [one.samples for one in bins], width=0.02, color=_RIGHT)
    lower.set(xlabel="confidence", ylabel="samples", yscale="log")
    lower.yaxis.set_major_formatter("{x:g}")
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
    places, below = range(len(manifest.classes)), np.zeros(len(manifest.classes))
    for side in Side:
        labels = [label for entry in manifest.on(side) for label in entry.labels]
        counts = np.array([labels.count(label) for label in manifest.classes])
        axes.bar(places, counts, bottom=below, label=f"{side} ({counts.sum()})")
        below = below + counts
    axes.set_xticks(places, labels=list(manifest.classes), rotation=90)
    axes.set(ylabel="samples")
    figure.legend(loc="outside upper center", ncols=len(Side))
    return figure


def _curves(curves: Curves) -> Figure:
    """A panel for each quantity, since a loss and an accuracy have no common scale."""
    from matplotlib.ticker import MaxNLocator

    panels: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for row in curves for name in row if name != "epoch"):
        panels.setdefault(re.sub(r"^(val|validation|train)_", "", name), []).append(name)
    rows = (len(panels) + 1) // 2
    figure = _figure(_WIDTH * 0.4 * rows)
    for place, (title, names) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, min(2, len(panels)), place)
        for name in names:
            axes.plot(range(1, len(curves) + 1), [row.get(name, np.nan) for row in curves], marker=".", label=name)
        axes.set(xlabel="epoch", title=title.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    return figure
