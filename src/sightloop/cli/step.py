"""`sightloop step`: a run's steps one by one, for a scheduler that is not the built-in worker, as Airflow."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Annotated

import typer

from sightloop.cli.display import tell_events
from sightloop.cli.output import AsJson, Project, say, write_json
from sightloop.cli.session import opened
from sightloop.errors import BadInput, Conflict
from sightloop.loop.stepping import Stepper
from sightloop.loop.steps import STEPS
from sightloop.loop.work import Work
from sightloop.store import runs
from sightloop.values.moment import new_id
from sightloop.values.run import Run
from sightloop.wiring import Parts

app = typer.Typer(no_args_is_help=True, help="A run's steps one by one, for another scheduler than the worker.")

_LONGEST = 20  # of what the database keeps of a scheduler's name

OfRun = Annotated[str, typer.Option("--run", help="The run's id, as `sightloop step open` printed it.")]


@app.command("open")
def open_run(
    project: Project,
    run: Annotated[str | None, typer.Option(help="Take this run, which is open, in place of a new one.")] = None,
    scheduler: Annotated[str, typer.Option(help="Who will call the steps; the worker leaves the run to it.")] = "steps",
    actor: Annotated[str, typer.Option(help="Who asks; the same one again gets the same open run.")] = "command line",
    as_json: AsJson = False,
) -> None:
    """Open a run whose steps are called one by one, and print its id."""
    if not 0 < len(scheduler) <= _LONGEST:
        raise BadInput(
            "that is no name of a scheduler",
            expected=f"1 to {_LONGEST} letters",
            got=repr(scheduler),
            hint="For a run that the worker steps through, use `sightloop retrain`.",
        )
    with opened() as parts:
        found = _given(parts, project, run) if run else _opened(parts, project, scheduler, actor)
    if as_json:
        write_json(found)
    else:
        say(found.id)


@app.command("close")
def close(run: OfRun, as_json: AsJson = False) -> None:
    """End a run as failed that its scheduler has given up; one that has ended stays as it is."""
    with opened() as parts:
        ended = _stepper(parts, threading.Event()).close(run)
    _tell(ended, as_json)


def _command(name: str, meaning: str) -> None:
    @app.command(name, help=f"{meaning} Done before, it is not done again; a failure ends the run.")
    def step(run: OfRun, as_json: AsJson = False) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with opened() as parts, tell_events(parts, run):
            done = _stepper(parts, stop).do(name, run)
        _tell(done, as_json)


for _name, _step in STEPS.items():
    _command(_name, (_step.__doc__ or "").partition("\n")[0])


def _stepper(parts: Parts, stop: threading.Event) -> Stepper:
    worker = f"{socket.gethostname()}-{os.getpid()}-{new_id()}"
    work = Work(parts.settings, parts.database, parts.blobs, parts.recipe, stop.is_set, worker)
    return Stepper(work, parts.database, worker, stop.is_set)


def _opened(parts: Parts, project: str, scheduler: str, actor: str) -> Run:
    """A new run; or the one that this caller opened before, and died before it knew."""
    parts.recipe(project)
    with parts.database.write() as connection:
        last = runs.last(connection, project)
        if last is not None and not last.status.ended and (last.scheduler, last.actor) == (scheduler, actor):
            return last
        return runs.open(connection, project, scheduler, actor, scheduler=scheduler)


def _given(parts: Parts, project: str, run: str) -> Run:
    with parts.database.read() as connection:
        found = runs.get(connection, run)
    if found.project != project or found.status.ended or not found.scheduler:
        raise Conflict(
            f"run {run} cannot be stepped through",
            expected=f"an open run of {project} that the worker leaves to others",
            got=f"a run of {found.project}, {found.status}, of {found.scheduler or 'the worker'}",
        )
    return found


def _tell(run: Run, as_json: bool) -> None:
    if as_json:
        write_json(run)
    else:
        say(f"run {run.id} of {run.project}: {run.status} {run.step}, {run.progress:.0%}")
