"""`sightloop airflow`: the loop of a project as a DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightloop.cli.output import Project, say, writing
from sightloop.cli.session import opened
from sightloop.loop.dag import dag_id, render

app = typer.Typer(no_args_is_help=True, help="Airflow in place of the worker.")


@app.callback()
def airflow() -> None:
    """Airflow in place of the worker."""


@app.command()
def dag(
    project: Project,
    schedule: Annotated[str | None, typer.Option(help="A cron expression, in UTC; none if left out.")] = None,
    to: Annotated[Path | None, typer.Option(help="A folder to write the file to; printed if left out.")] = None,
) -> None:
    """Write the DAG of a project, which runs its loop a step a task."""
    with opened() as parts:
        recipe = parts.recipe(project)
        text = render(recipe, schedule)
    if to is None:
        say(text.rstrip("\n"))
        return
    path = to / f"{dag_id(recipe)}.py"
    with writing(path):
        path.write_text(text, encoding="utf-8")
    say(str(path))
