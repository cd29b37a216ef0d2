"""`sightloop projects` and `sightloop recipe`: what is declared."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sightloop import plugins
from sightloop.cli.output import AsJson, say, write_json, write_table
from sightloop.cli.session import opened
from sightloop.data import recipes
from sightloop.loop.triggers.shipped import previous
from sightloop.store import deployments, samples

app = typer.Typer(no_args_is_help=True, help="Declarations of projects.")


def projects(as_json: AsJson = False) -> None:
    """List the projects with how many samples each has and which version serves."""
    rows = []
    with opened() as parts, parts.database.read() as connection:
        for recipe in parts.recipes.values():
            present = deployments.current(connection, recipe.name)
            rows.append(
                {
                    "project": recipe.name,
                    "title": recipe.title,
                    "task": recipe.task,
                    "classes": len(recipe.classes),
                    "trainer": recipe.train.trainer,
                    "samples": sum(samples.count(connection, recipe.name).values()),
                    "champion": None if present is None else present.champion.version,
                }
            )
    if as_json:
        write_json(rows)
    else:
        write_table(list(rows[0]), (list(row.values()) for row in rows))


@app.command("check")
def check_recipe(file: Annotated[Path, typer.Argument(help="A recipe in TOML.")], as_json: AsJson = False) -> None:
    """Check a recipe: its keys, its values, its trainer's options, its schedule."""
    recipe = recipes.read(file)
    plugins.load("trainers", recipe.train.trainer).check(recipe)
    if recipe.triggers.schedule:
        previous(recipe.triggers.schedule, datetime.now(UTC))
    if as_json:
        write_json(recipe)
    else:
        say(f"{file} declares {recipe.name}: {recipe.task} of {len(recipe.classes)} classes by {recipe.train.trainer}")
