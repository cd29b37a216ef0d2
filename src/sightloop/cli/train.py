"""`sightloop train` and `sightloop retrain`: one turn of the loop, now."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import typer

from sightloop.cli.bringing import bring_first
from sightloop.cli.display import follow
from sightloop.cli.output import AsJson, Project, aside, say, write_json
from sightloop.cli.session import opened
from sightloop.errors import Cancelled, SightloopError
from sightloop.loop.parameters import apply
from sightloop.loop.start import start
from sightloop.store import runs
from sightloop.values.run import Run, Status
from sightloop.wiring import Parts
from sightloop.worker import Worker, holder

Epochs = Annotated[int | None, typer.Option(help="Epochs, in place of the recipe's.", min=1)]


def train(project: Project, epochs: Epochs = None, as_json: AsJson = False) -> None:
    """Train a project's model, check it, and let it serve if it is good enough.

    Without samples the first source of the recipe that can be had is imported. A worker that runs does the work, else
    this command does it itself. Ctrl-C cancels the run.
    """
    with opened() as parts:
        recipe = parts.recipe(project)
        bring_first(parts, recipe)
        report(work(parts, project, _given(epochs)), as_json)


def retrain(
    project: Project,
    epochs: Epochs = None,
    wait: Annotated[bool, typer.Option("--follow", help="Show the run until it has ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the worker, or Airflow where it is set, for a turn of the loop; with --follow, show it until it has ended."""
    with opened() as parts:
        recipe = parts.recipe(project)
        run = start(parts.settings, parts.database, recipe, "hand", "command line", _given(epochs))
        if not run.scheduler and holder(parts.settings) is None:
            aside().print("no worker is running: start one with `sightloop worker`")
        if wait:
            report(follow(parts, run.id), as_json)
        elif as_json:
            write_json(run)
        else:
            say(f"run {run.id} is queued" + (f" with {run.scheduler}" if run.scheduler else ""))


def ask(parts: Parts, project: str, parameters: dict[str, Any]) -> Run:
    """Queue a run by hand for a worker, be it this command itself.

    Raises Conflict where one is open, BadInput for parameters that are none.
    """
    apply(parts.recipe(project), parameters)
    with parts.database.write() as connection:
        return runs.open(connection, project, "hand", "command line", parameters)


def work(parts: Parts, project: str, parameters: dict[str, Any]) -> Run:
    """Queue a run and show it until it has ended, working it off here where no worker does; the run as it then is."""
    run = ask(parts, project, parameters)
    try:
        if holder(parts.settings) is not None:
            return _followed(parts, run.id)
        with Worker(parts) as worker:
            working = threading.Thread(target=worker.work_off, args=(run.id,), name="work")
            working.start()
            ended = _followed(parts, run.id)
            working.join()
    except KeyboardInterrupt:
        raise Cancelled(f"run {run.id} was cancelled") from None
    return ended


def _followed(parts: Parts, run: str) -> Run:
    """Follow; a Ctrl-C cancels the run and is passed on when it has ended."""
    try:
        return follow(parts, run)
    except KeyboardInterrupt:
        with parts.database.write() as connection:
            runs.request_cancel(connection, run)
        follow(parts, run)
        raise


def _given(epochs: int | None) -> dict[str, Any]:
    return {} if epochs is None else {"epochs": epochs}


def report(run: Run, as_json: bool) -> None:
    """Say how a run ended. Raises Cancelled and SightloopError where it was cancelled or failed."""
    if as_json:
        write_json(run)
    if run.status is Status.CANCELLED:
        raise Cancelled(f"run {run.id} was cancelled")
    if run.status is Status.FAILED:
        raise SightloopError(
            f"run {run.id} failed in the step {run.step}: {run.error}", hint=f"See `sightloop runs log {run.id}`."
        )
    if not as_json:
        summarise(run)


def summarise(run: Run) -> None:
    """Print what came of a run that ended well."""
    scores, decision = run.result["scores"], run.result["decision"]
    names = [name for name in ("accuracy", "map50", "map", "precision", "recall", "f1", "ece") if name in scores]
    told = "  ".join(f"{name} {scores[name]:.4f}" for name in names)
    say(f"version {run.result['version']} of {run.project}: {told} on {scores['samples']:.0f} held-out samples")
    verdict = "it serves now" if run.status is Status.SUCCEEDED else "refused, the champion stays"
    say(f"{verdict}:")
    for reason in decision["reasons"]:
        say(f"  {reason}")
