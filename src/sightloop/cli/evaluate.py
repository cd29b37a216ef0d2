"""`sightloop evaluate`: how good a version is, through the package that serves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from sightloop import plugins
from sightloop.cli.output import MOST, AsJson, Project, aside, say, write_json, write_table, writing
from sightloop.cli.session import opened
from sightloop.data import sources
from sightloop.errors import BadData
from sightloop.home import answered, held_out
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.judging.report import Report
from sightloop.loop.reporting.page import Evaluated, render
from sightloop.store import packages, runs
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, Side, digest_of
from sightloop.values.scores import DetectionScores, Scores
from sightloop.values.table import nearest
from sightloop.values.version import ModelVersion
from sightloop.wiring import Parts

Version = Annotated[int | None, typer.Option(min=1, max=MOST, help="A version's number; the champion's if left out.")]
Aspect = Annotated[float | None, typer.Option(help="Width / height of the images that landmark fractions are of.")]
Skip = Annotated[
    list[str] | None, typer.Option("--skip-label", help="Leave out samples with this label; may be repeated.")
]


def evaluate(
    project: Project,
    version: Version = None,
    data: Annotated[
        str | None, typer.Option(help="A file, folder or bucket to score on, in place of held-out samples.")
    ] = None,
    aspect: Aspect = None,
    skip_label: Skip = None,
    report: Annotated[Path | None, typer.Option(help="A file for the report as one HTML page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score a model version on the project's held-out samples, or on other data, through its ONNX package."""
    with opened() as parts:
        recipe = parts.recipe(project)
        chosen = parts.version(project, version)
        if data is None:
            blobs, known = parts.blobs, held_out(parts, recipe)
            entries = known.on(Side.TEST)
        else:
            boxed = plugins.load("tasks", recipe.task).boxed
            items = sources.read(data, aspect=aspect, skip_labels=frozenset(skip_label or ()), boxed=boxed)
            blobs, entries = _apart(recipe, items)
            known = _manifest(recipe, entries)
        package = packages.load(parts.blobs, chosen.package)
        found = answered(package, entries, blobs, parts.settings)
        scores = found.scores
        if report is not None:
            evaluated = _evaluated(parts, chosen, found, entries, known, data)
            page = render(evaluated, blobs)
            with writing(report):
                report.write_text(page, encoding="utf-8")
            aside().print(Text(f"report: {report}"))
    if as_json:
        write_json({"project": project, "version": chosen.number} | _plain(scores))
    else:
        _print(chosen, scores)


def _apart(recipe: Recipe, items: Iterable[Labelled]) -> tuple[Blobs, tuple[Entry, ...]]:
    """The items in a store of their own in memory, so that scoring on them leaves no trace in the project."""
    given = [_known(recipe, item) for item in items]
    blobs = Blobs("memory://evaluation")
    places = blobs.pack([item.content for item in given])
    return blobs, tuple(
        Entry(digest=digest_of(item.content), label=item.label, side=Side.TEST, place=place, boxes=item.boxes)
        for item, place in zip(given, places, strict=True)
    )


def _manifest(recipe: Recipe, entries: tuple[Entry, ...]) -> Manifest:
    once = {entry.digest: entry for entry in sorted(entries, key=lambda entry: entry.digest)}
    return Manifest(project=recipe.name, classes=recipe.classes, entries=tuple(once.values()))


def _evaluated(
    parts: Parts,
    chosen: ModelVersion,
    found: Report | BoxReport,
    entries: tuple[Entry, ...],
    known: Manifest,
    data: str | None,
) -> Evaluated:
    with parts.database.read() as connection:
        run = None if chosen.run is None else runs.get(connection, chosen.run)
    facts = {
        "Answered": data or f"the held-out samples of now (manifest {known.digest})",
        "Run": chosen.run,
        "Package": chosen.package,
        "The gate said": chosen.reason,
    }
    return Evaluated(
        name=f"version {chosen.number}",
        card=chosen.card,
        scores=found.scores,
        answers=found.answers if isinstance(found, Report) else None,
        boxes=found.sure if isinstance(found, BoxReport) else None,
        entries=entries,
        data=known,
        facts=facts,
        curves=[] if run is None else run.result.get("curves", []),
    )


def _known(recipe: Recipe, item: Labelled) -> Labelled:
    """The item with its label, or those of its boxes, in the recipe's spelling."""
    if item.boxes is None:
        label = _label(recipe, item, item.label, f"Leave such samples out with --skip-label {item.label}.")
        return msgspec.structs.replace(item, label=label)
    hint = "Name it in the recipe, as a class or among its `aliases`."
    boxes = (msgspec.structs.replace(box, label=_label(recipe, item, box.label, hint)) for box in item.boxes)
    return msgspec.structs.replace(item, boxes=tuple(boxes))


def _label(recipe: Recipe, item: Labelled, text: str, hint: str) -> str:
    label = recipe.label(text)
    if label is None:
        raise BadData(f"{item.origin}: the label {text!r} is {nearest(text, recipe.classes)}", hint=hint)
    return label


def _plain(scores: Scores | DetectionScores) -> dict[str, Any]:
    known: dict[str, Any] = msgspec.to_builtins(scores)
    return known if isinstance(scores, DetectionScores) else known | {"accuracy_interval": scores.interval}


def _print(version: ModelVersion, scores: Scores | DetectionScores) -> None:
    boxed = isinstance(scores, DetectionScores)
    whole = ("map50", "map", "precision", "recall") if boxed else ("accuracy", "precision", "recall", "f1", "ece")
    each = ("ap50", "ap", "precision", "recall") if boxed else ("precision", "recall", "f1")
    say(f"version {version.number} of {version.project} on {scores.samples} samples")
    say("  ".join(f"{name} {getattr(scores, name):.4f}" for name in whole))
    if not isinstance(scores, DetectionScores):
        low, high = scores.interval
        say(f"accuracy from {low:.4f} to {high:.4f} with 95 % confidence")
    write_table(
        ("class", *each, "boxes" if boxed else "samples"),
        (
            (label, *(f"{getattr(one, name):.4f}" for name in each), one.support)
            for label, one in scores.per_class.items()
        ),
    )
