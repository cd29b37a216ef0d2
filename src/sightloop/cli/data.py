"""`sightloop data`: bring data in, look for what is wrong with it, freeze it, list its versions. See also `history`."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
import typer

from sightloop import plugins
from sightloop.cli import history
from sightloop.cli.bringing import bring, show
from sightloop.cli.evaluate import Aspect, Skip
from sightloop.cli.output import AsJson, Project, say, write_json, write_table
from sightloop.cli.session import login, opened
from sightloop.data import sources
from sightloop.data.checks import Findings
from sightloop.data.checks import check as find
from sightloop.errors import BadData, BadInput
from sightloop.loop.samples import alike, mislabelled
from sightloop.loop.samples.checking import Checker
from sightloop.loop.samples.versioned import Versioned
from sightloop.store import datasets, deployments, packages, samples
from sightloop.values.dataset import Entry
from sightloop.values.recipe import Recipe
from sightloop.wiring import Parts

app = typer.Typer(no_args_is_help=True, help="Samples, labels and dataset versions.")

Where = Annotated[str, typer.Argument(help="A folder, zip archive or s3:// bucket of images, or a file of samples.")]
Perhaps = Annotated[str | None, typer.Argument(help="As for import; the project's own samples if left out.")]
Author = Annotated[str | None, typer.Option(help="Who labelled it; your login name if left out.")]
Track = Annotated[
    bool, typer.Option("--track", help="Pack the version, track it with DVC and push it, even if the recipe does not.")
]

Labels = Annotated[
    bool, typer.Option("--labels", help="Also look for wrong labels, with the champion's embedding; takes a while.")
]

_SERIOUS = ("broken", "unknown", "contradicting", "leaking", "near-leaking")
_SHOWN = 10


@app.command("import")
def bring_in(
    project: Project,
    path: Where,
    author: Author = None,
    aspect: Aspect = None,
    skip_label: Skip = None,
    as_json: AsJson = False,
) -> None:
    """Import labelled samples, their form detected: class folders, COCO, VOC, YOLO, MNIST's files, landmarks as CSV.

    The same data again changes nothing, so an import that was cut off is begun again.
    """
    with opened() as parts:
        recipe = parts.recipe(project)
        skip, boxed = frozenset(skip_label or ()), plugins.load("tasks", recipe.task).boxed
        items = sources.read(path, aspect=aspect, skip_labels=skip, boxed=boxed)
        collected = bring(parts, recipe, items, author=author or login())
    if as_json:
        write_json(collected)
    else:
        show(collected)
    if collected.rejected and not collected.added + collected.known:
        raise BadData(f"none of the {len(collected.rejected)} samples in {path} could be taken in")


@app.command()
def check(
    project: Project,
    path: Perhaps = None,
    labels: Labels = False,
    aspect: Aspect = None,
    skip_label: Skip = None,
    as_json: AsJson = False,
) -> None:
    """Look for broken, doubled, nearly doubled, contradicting, leaking, lopsided and unknown data.

    Fails where a model should not be trained on the data as it is; doubled, near, alike and lopsided data is only told
    of. Once the project has a champion, its embedding finds photographs that are alike.
    """
    with opened() as parts:
        recipe = parts.recipe(project)
        skip, boxed = frozenset(skip_label or ()), plugins.load("tasks", recipe.task).boxed
        given = None if path is None else sources.read(path, aspect=aspect, skip_labels=skip, boxed=boxed)
        if given is None:
            findings = Checker(parts.database, parts.blobs).findings(recipe)
        else:
            findings = find(recipe, given, max_pixels=parts.settings.max_image_pixels)
        if given is None and not boxed:
            findings = _with_alike(parts, recipe, findings)
        if labels:
            findings = _with_doubtful_labels(parts, recipe, path, findings)
    if as_json:
        write_json(findings)
    else:
        _print(findings)
    serious = sum(len(findings.of(kind)) for kind in _SERIOUS)
    if serious:
        raise BadData(f"{serious} faults in the data of {project}")


@app.command()
def freeze(project: Project, track: Track = False, as_json: AsJson = False) -> None:
    """Fix the present samples and labels as a dataset version; unchanged data is the version that it was."""
    with opened() as parts:
        recipe = parts.recipe(project)
        version = datasets.freeze(parts.database, parts.blobs, project, recipe.classes)
        if track or recipe.data.track == "dvc":
            version = Versioned(parts.settings, parts.database, parts.blobs).track(version)
    if as_json:
        write_json(version)
    else:
        counts = ", ".join(f"{count} {side}" for side, count in version.counts.items())
        kept = f"; in DVC as {version.archive}" if version.archive else ""
        say(f"dataset version {version.number} of {project}: {counts}{kept}")


@app.command("list")
def show_all(
    project: Annotated[str | None, typer.Argument(help="One project; all if left out.")] = None, as_json: AsJson = False
) -> None:
    """List how many samples each project has, and its dataset versions."""
    with opened() as parts:
        names = list(parts.recipes) if project is None else [parts.recipe(project).name]
        with parts.database.read() as connection:
            counts = {name: samples.count(connection, name) for name in names}
            found = {name: datasets.list(connection, name) for name in names}
    if as_json:
        write_json({name: {"samples": counts[name], "versions": found[name]} for name in names})
        return
    write_table(
        ("project", "train", "validation", "test", "versions"),
        ((name, *counts[name].values(), len(found[name])) for name in names),
    )
    if project is not None:
        write_table(
            ("version", "frozen", "train", "validation", "test", "manifest", "DVC"),
            ((one.number, one.at[:19], *one.counts.values(), one.manifest[:12], one.archive) for one in found[project]),
            empty="no dataset version yet",
        )


for _command in (history.diff, history.export, history.lineage, history.pull):
    app.command()(_command)


def _with_alike(parts: Parts, recipe: Recipe, findings: Findings) -> Findings:
    with parts.database.read() as connection:
        present = deployments.current(connection, recipe.name)
    if present is None:
        return findings
    package = packages.load(parts.blobs, parts.version(recipe.name, present.champion.version).package)
    found = alike.find(package, _entries(parts, recipe), parts.blobs, threads=parts.settings.threads)
    return msgspec.structs.replace(findings, findings=(*findings.findings, *found))


def _with_doubtful_labels(parts: Parts, recipe: Recipe, path: str | None, findings: Findings) -> Findings:
    if plugins.load("tasks", recipe.task).boxed:
        raise BadInput("doubtful labels are looked for among whole images, not boxes")
    if path is not None:
        raise BadInput("labels are looked at when the data is in the project", hint="Import it first, then check.")
    package = packages.load(parts.blobs, parts.version(recipe.name, None).package)
    doubtful = mislabelled.find(package, _entries(parts, recipe), parts.blobs, threads=parts.settings.threads)
    return msgspec.structs.replace(findings, findings=(*findings.findings, *doubtful))


def _entries(parts: Parts, recipe: Recipe) -> tuple[Entry, ...]:
    with parts.database.read() as connection:
        return datasets.present(connection, recipe.name, recipe.classes).entries


def _print(findings: Findings) -> None:
    sides = ", ".join(f"{count} {side}" for side, count in findings.sides.items())
    say(f"{findings.samples} different samples: {sides}")
    write_table(("class", "samples"), findings.classes.items())
    for kind, count in Counter(finding.kind for finding in findings.findings).items():
        say(f"{kind}: {count}")
        for finding in findings.of(kind)[:_SHOWN]:
            say(f"  {finding.message} {' '.join(finding.samples[:3])}".rstrip())
    if not findings.findings:
        say("nothing is wrong with it")
