"""`sightloop models`: the versions of a project, and which of them serves."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import Annotated

import msgspec
import typer

from sightloop.cli.evaluate import Version
from sightloop.cli.foreign import take_in
from sightloop.cli.output import MOST, AsJson, Project, say, write_json, write_table, writing
from sightloop.cli.session import login, opened
from sightloop.errors import Conflict
from sightloop.store import deployments, packages, versions
from sightloop.values.bundle import to_zip
from sightloop.values.deployment import Deployment
from sightloop.values.version import ModelVersion

app = typer.Typer(no_args_is_help=True, help="Model versions and who serves.")

Number = Annotated[int, typer.Argument(min=1, max=MOST, help="The version's number.")]
Perhaps = Annotated[
    int | None, typer.Argument(min=1, max=MOST, help="The version's number; the champion's if left out.")
]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
Author = Annotated[str | None, typer.Option(help="Who says so, for the record; your login name if left out.")]

_SHOWN = 48


@app.command("list")
def show_all(project: Project, as_json: AsJson = False) -> None:
    """List the versions of a project, newest first."""
    with opened() as parts:
        parts.recipe(project)
        with parts.database.read() as connection:
            found = versions.list(connection, project)
            present = deployments.current(connection, project)
    roles = {} if present is None else {member.version: str(member.role) for member in present.members}
    if as_json:
        write_json([msgspec.to_builtins(one) | {"role": roles.get(one.number)} for one in found])
        return
    write_table(
        ("version", "role", "verdict", "accuracy/mAP50", "f1/mAP", "made", "reason"),
        ((one.number, roles.get(one.number), one.verdict, *_numbers(one), one.at[:19], _short(one)) for one in found),
        empty=f"{project} has no model yet",
    )


def _short(version: ModelVersion) -> str:
    """The beginning of the reason: the gate gives a sentence for each of its findings, and `show` gives them all."""
    return shorten(version.reason, _SHOWN, placeholder=" ...")


@app.command()
def show(project: Project, version: Perhaps = None, as_json: AsJson = False) -> None:
    """Show a version: its card, its scores, what was decided of it."""
    with opened() as parts:
        one = parts.version(project, version)
    if as_json:
        write_json(one)
        return
    card = one.card
    rows = {
        "version": one.number,
        "verdict": f"{one.verdict}: {one.reason}",
        "made": one.at[:19],
        "run": one.run,
        "package": one.package,
        "trainer": f"{card.trainer}, {card.epochs} epochs, seed {card.seed}",
        "data": card.dataset,
        "code": card.code,
        "parity": f"{card.parity.max_difference:.2g} at most on {card.parity.samples} samples",
        "temperature": f"{card.temperature:.4f}",
        "reproducible": card.reproducible or "yes",
    } | {name: f"{value:.4f}" for name, value in card.numbers.items()}
    write_table(("", f"{project}"), rows.items())


@app.command()
def promote(
    project: Project,
    version: Number,
    reason: Reason = "promoted by hand",
    author: Author = None,
    force: Annotated[bool, typer.Option("--force", help="Even a version that the gate refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a version the champion; servers take it over within a second, without losing a request."""
    with opened() as parts:
        parts.recipe(project)
        with parts.database.write() as connection:
            deployed = deployments.promote(
                connection, project, version, author or login(), reason, force=force, licences=parts.settings.licences
            )
    _print(deployed, as_json)


@app.command()
def rollback(
    project: Project, reason: Reason = "rolled back by hand", author: Author = None, as_json: AsJson = False
) -> None:
    """Go back to the champion before this one."""
    with opened() as parts:
        parts.recipe(project)
        with parts.database.write() as connection:
            deployed = deployments.rollback(connection, project, author or login(), reason)
    _print(deployed, as_json)


app.command("import")(take_in)


@app.command()
def export(
    project: Project,
    place: Annotated[Path, typer.Argument(help="A new folder for model.onnx, package.json and golden.npz; or a .zip.")],
    version: Version = None,
) -> None:
    """Write a version's package as a folder of three files, or as one zip with them."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise Conflict(f"{place} is there already", expected="a new or empty folder, or a new .zip")
    with opened() as parts:
        one = parts.version(project, version)
        package = packages.load(parts.blobs, one.package)
    with writing(place):
        if place.suffix == ".zip":
            place.write_bytes(to_zip(package))
        else:
            package.write(place)
    say(f"version {one.number} of {project} is in {place}")


def _numbers(one: ModelVersion) -> tuple[str, str]:
    numbers = one.card.numbers
    # Of a detector: mAP at half an overlap and over all overlaps, where a classifier has accuracy and F1.
    names = ("map50", "map") if "map50" in numbers else ("accuracy", "f1")
    first, second = (f"{numbers[name]:.4f}" if numbers else "" for name in names)
    return first, second


def _print(deployed: Deployment, as_json: bool) -> None:
    if as_json:
        write_json(deployed)
    else:
        say(f"{deployed.project} revision {deployed.revision}: version {deployed.champion.version} is the champion")
