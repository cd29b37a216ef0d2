"""`sightloop triggers`: what would start the loop by itself, how near it is, and why it does not start now."""

from __future__ import annotations

from datetime import UTC, datetime

from sightloop.cli.output import AsJson, Project, say, write_json, write_table
from sightloop.cli.session import opened
from sightloop.hold import holder
from sightloop.loop.triggers.trigger import Look
from sightloop.loop.triggers.watch import watch
from sightloop.store import runs


def triggers(project: Project, as_json: AsJson = False) -> None:
    """List a project's triggers: what each sees against its level, and why it does not start a run."""
    with opened() as parts:
        recipe, worker, now = parts.recipe(project), holder(parts.settings), datetime.now(UTC)
        since = now if worker is None or not worker.since else datetime.fromisoformat(worker.since)
        with parts.database.read() as connection:
            found = watch(Look(recipe, connection, runs.last(connection, project), now, since))
    if as_json:
        write_json({"worker": worker is not None, "triggers": found})
        return
    write_table(
        ("trigger", "sees", "starts"),
        ((one.trigger, one.message, "now" if one.starts else f"not: {one.held}") for one in found),
        empty=f"the recipe of {project} names no trigger",
    )
    if worker is None:
        say("no worker is running, so nothing starts by itself: `sightloop worker`")
