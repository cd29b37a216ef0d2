"""`sightloop queue`: what a person should label next."""

from __future__ import annotations

from typing import Annotated

import typer

from sightloop.cli.output import AsJson, Project, say, write_json, write_table
from sightloop.cli.session import opened
from sightloop.loop.samples.queue import Queue

_SECONDS = 600.0


def queue(
    project: Project,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the predictions whose correction teaches most: those in doubt, and unlike each other."""
    with opened() as parts:
        parts.recipe(project)
        found = Queue(parts.database, parts.blobs).ask(project, limit, _SECONDS)
    if as_json:
        write_json(found)
        return
    write_table(
        ("prediction", "proposed", "confidence", "margin", "predicted"),
        ((one.prediction, one.label, f"{one.confidence:.3f}", f"{one.margin:.3f}", one.at[:19]) for one in found.items),
        empty="nothing to label: no recorded prediction is left uncorrected",
    )
    if found.damaged:
        say(f"the inputs of {found.damaged} more are damaged: `sightloop doctor` names the blobs")
    if found.items:
        say(f"of {found.considered} predictions that nobody corrected, as version {found.version} sees them")
