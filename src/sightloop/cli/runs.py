"""`sightloop runs`: the turns of the loop, their logs, and how to stop one."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from sightloop.cli.display import follow
from sightloop.cli.output import MOST, AsJson, say, write_json, write_table, writing
from sightloop.cli.session import opened
from sightloop.errors import NotFound
from sightloop.hold import gone
from sightloop.store import reports, runs
from sightloop.turn import looks
from sightloop.values.run import Run
from sightloop.wiring import Parts

app = typer.Typer(no_args_is_help=True, help="Turns of the loop.")

Which = Annotated[str, typer.Argument(help="The run's id, or a project's name for its last run.")]


@app.command("list")
def show_all(
    project: Annotated[str | None, typer.Argument(help="One project; all if left out.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=MOST)] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    with opened() as parts:
        name = None if project is None else parts.recipe(project).name
        with parts.database.read() as connection:
            found = runs.page(connection, name, limit=limit)
    if as_json:
        write_json(found)
        return
    write_table(
        ("run", "project", "trigger", "status", "step", "begun", "version"),
        (
            (run.id, run.project, run.trigger, run.status, run.step, run.created[:19], run.result.get("version"))
            for run in found
        ),
        empty="no runs yet",
    )


@app.command()
def show(run: Which, as_json: AsJson = False) -> None:
    """Show a run: where it stands, and what its steps found."""
    with opened() as parts, parts.database.read() as connection:
        found = _find(parts, connection, run)
    if as_json:
        write_json(found)
        return
    rows = {
        "run": found.id,
        "project": found.project,
        "status": f"{found.status} {found.step}".rstrip(),
        "progress": f"{found.progress:.0%}",
        "trigger": f"{found.trigger}, by {found.actor}",
        "worked on by": found.worker or found.scheduler or None,
        "created": found.created[:19],
        "finished": (found.finished or "")[:19],
        "error": found.error,
    }
    results = {
        name: found.result[name] for name in ("dataset", "counts", "version", "decision") if name in found.result
    }
    write_table(("", found.project), (rows | results).items())


@app.command()
def log(
    run: Which,
    wait: Annotated[bool, typer.Option("--follow", help="Go on until the run has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what happened in a run."""
    with opened() as parts:
        with parts.database.read() as connection:
            found = _find(parts, connection, run)
        if wait:
            follow(looks(parts, found.id))
            if not as_json:
                return
        with parts.database.read() as connection:
            events = runs.events(connection, found.id)
    if as_json:
        write_json(events)
        return
    for event in events:
        numbers = " ".join(f"{name}={value:.4g}" for name, value in event.data.items() if isinstance(value, float))
        say(f"{event.at[:19]} {event.step:9} {event.kind:9} {event.message} {numbers}".rstrip())


@app.command()
def report(
    run: Which,
    to: Annotated[Path | None, typer.Option("--out", help="Where to write it; the run's folder if left out.")] = None,
    show_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write a run's report, one HTML page that fetches nothing, and print where it is."""
    with opened() as parts:
        with parts.database.read() as connection:
            found = _find(parts, connection, run)
        page = reports.of_run(parts.blobs, found)
        path = to or parts.settings.home / "runs" / found.id / "report.html"
    with writing(path):
        path.write_bytes(page)
    say(str(path))
    if show_it:
        webbrowser.open(path.resolve().as_uri())


@app.command()
def cancel(run: Which, as_json: AsJson = False) -> None:
    """Stop a run; a step under way is given up."""
    with opened() as parts, parts.database.write() as connection:
        asked = runs.request_cancel(connection, _find(parts, connection, run).id, gone(parts.settings))
    if as_json:
        write_json(asked)
    else:
        say(f"run {asked.id} {'is cancelled' if asked.status.ended else 'will stop'}")


def _find(parts: Parts, connection: Connection, run: str) -> Run:
    if run not in parts.recipes:
        return runs.get(connection, run)
    last = runs.last(connection, run)
    if last is None:
        raise NotFound(f"{run} has no runs yet")
    return last
