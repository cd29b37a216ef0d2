"""`sightloop train` and `sightloop retrain`: one turn of the loop, now."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sightloop import turn
from sightloop.cli.bringing import bring_first
from sightloop.cli.display import follow
from sightloop.cli.output import AsJson, Project, aside, say, write_json
from sightloop.cli.session import login, opened
from sightloop.hold import holder
from sightloop.loop.start import start
from sightloop.values.run import Run, Status
from sightloop.wiring import Parts

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
        run = start(parts.settings, parts.database, recipe, "hand", login(), _given(epochs))
        if not run.scheduler and holder(parts.settings) is None:
            aside().print("no worker is running: start one with `sightloop worker`")
        if wait:
            report(follow(turn.looks(parts, run.id)), as_json)
        elif as_json:
            write_json(run)
        else:
            say(f"run {run.id} is queued" + (f" with {run.scheduler}" if run.scheduler else ""))


def work(parts: Parts, project: str, parameters: dict[str, Any]) -> Run:
    """Queue a run and show it until it has ended, working it off here where no worker does; the run as it then is."""
    return turn.work(parts, project, login(), parameters, follow)


def _given(epochs: int | None) -> dict[str, Any]:
    return {} if epochs is None else {"epochs": epochs}


def report(run: Run, as_json: bool) -> None:
    """Say how a run ended. Raises Cancelled and SightloopError where it was cancelled or failed."""
    if as_json:
        write_json(run)
    turn.ended_well(run)
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
