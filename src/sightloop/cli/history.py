"""`sightloop data diff`, `export`, `lineage` and `pull`: what became of a project's data, version by version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightloop.cli.output import MOST, AsJson, Project, say, write_json, write_table, writing
from sightloop.cli.session import opened
from sightloop.data import exports
from sightloop.data.exports import Form
from sightloop.errors import BadInput
from sightloop.loop.samples import lineage as lines
from sightloop.loop.samples.lineage import OfModel, OfSample
from sightloop.loop.samples.versioned import Versioned, contents
from sightloop.store import datasets
from sightloop.values.dataset import DatasetVersion, Difference
from sightloop.wiring import Parts

Number = Annotated[str, typer.Argument(help="A dataset version: 3, or v3.")]
Newest = Annotated[
    int | None, typer.Option("--version", min=1, max=MOST, help="A dataset version's number; the newest if left out.")
]

_SHOWN = 10


def diff(project: Project, old: Number, new: Number, as_json: AsJson = False) -> None:
    """Show what was added, removed and relabelled from one dataset version to another."""
    numbers = [_number(text) for text in (old, new)]
    with opened() as parts:
        parts.recipe(project)
        with parts.database.read() as connection:
            before, after = (datasets.manifest(connection, parts.blobs, project, number) for number in numbers)
    found = Difference.between(before, after)
    if as_json:
        write_json(
            {"project": project, "old": numbers[0], "new": numbers[1], "classes": found.by_class()}
            | {name: getattr(found, name) for name in ("added", "removed", "relabelled")}
        )
    else:
        _print_difference(found)


def export(
    project: Project,
    to: Annotated[Path, typer.Option(help="A new or empty folder.")],
    version: Newest = None,
    form: Annotated[
        Form, typer.Option("--format", help="A folder for each class, or COCO; of boxes COCO, YOLO, VOC.")
    ] = Form.FOLDER,
) -> None:
    """Write a dataset version's images and labels as a folder that other tools read."""
    with opened() as parts:
        chosen = _choose(parts, project, version)
        with parts.database.read() as connection:
            manifest = datasets.manifest(connection, parts.blobs, project, chosen.number)
        with writing(to):
            written = exports.write(manifest, contents(parts.blobs, manifest.entries), to, form)
    say(f"{written} samples of dataset version {chosen.number} of {project} written to {to}")


def lineage(
    project: Project,
    sample: Annotated[str | None, typer.Option(help="A sample's SHA-256, or the beginning of it.")] = None,
    model: Annotated[int | None, typer.Option(min=1, max=MOST, help="A model version's number.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every model that saw a sample, or every sample that a model saw."""
    if (sample is None) == (model is None):
        raise BadInput("name one of the two: a sample or a model", expected="--sample DIGEST or --model NUMBER")
    with opened() as parts:
        parts.recipe(project)
        with parts.database.read() as connection:
            found: OfModel | OfSample
            if model is not None:
                found = lines.of_model(connection, parts.blobs, project, model)
            else:
                found = lines.of_sample(connection, parts.blobs, project, str(sample))
    if as_json:
        write_json(found)
    elif isinstance(found, OfModel):
        _print_model(found)
    else:
        _print_sample(found)


def pull(project: Project, version: Newest = None, as_json: AsJson = False) -> None:
    """Bring a dataset version back from DVC's remote, and check every byte of it against its manifest."""
    with opened() as parts:
        chosen = _choose(parts, project, version)
        path = Versioned(parts.settings, parts.database, parts.blobs).pull(chosen)
    if as_json:
        write_json({"project": project, "version": chosen.number, "archive": chosen.archive, "path": str(path)})
    else:
        say(f"dataset version {chosen.number} of {project} is whole: {path}")


def _number(text: str) -> int:
    digits = text.removeprefix("v")
    if not digits.isdecimal() or int(digits) > MOST:
        raise BadInput("that is no dataset version", expected="a number, as 3 or v3", got=text)
    return int(digits)


def _choose(parts: Parts, project: str, number: int | None) -> DatasetVersion:
    parts.recipe(project)
    with parts.database.read() as connection:
        if number is not None:
            return datasets.get(connection, project, number)
        known = datasets.list(connection, project)
    if not known:
        raise BadInput(f"{project} has no dataset version yet", hint=f"Make one: sightloop data freeze {project}.")
    return known[0]


def _print_difference(found: Difference) -> None:
    counts = (f"{len(getattr(found, name))} {name}" for name in ("added", "removed", "relabelled"))
    say(", ".join(counts))
    kinds = ("added", "removed", "relabelled_from", "relabelled_to")
    write_table(
        ("class", "added", "removed", "relabelled from", "relabelled to"),
        ((label, *(row[kind] for kind in kinds)) for label, row in found.by_class().items()),
        empty="no class changed",
    )
    for sample in found.relabelled[:_SHOWN]:
        say(f"{sample.digest[:12]} was {sample.was}, is {sample.now}")


def _print_model(found: OfModel) -> None:
    run = f" (run {found.run})" if found.run else ""
    counts = ", ".join(f"{count} {side}" for side, count in found.counts.items())
    say(f"model version {found.model}{run} saw dataset version {found.dataset}: {counts}")
    say("`--json` lists the samples")


def _print_sample(found: OfSample) -> None:
    say(f"sample {found.sample} is on the {found.side} side")
    write_table(
        ("labelled", "label", "by", "how", "prediction"),
        ((said.at[:19], said.label, said.author, said.source, said.prediction) for said in found.annotations),
    )
    say(f"dataset versions: {', '.join(map(str, found.datasets)) or 'none'}")
    write_table(
        ("model", "dataset", "label", "side"),
        ((seen.model, seen.dataset, seen.label, seen.side) for seen in found.models),
        empty="no model saw it",
    )
