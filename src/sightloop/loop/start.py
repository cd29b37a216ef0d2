"""How a run starts: its row is queued, which the worker sees by itself, and Airflow is told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightloop.errors import SightloopError
from sightloop.loop import airflow
from sightloop.loop.parameters import apply
from sightloop.settings import Settings
from sightloop.store import runs
from sightloop.store.database import Database
from sightloop.values.recipe import Recipe
from sightloop.values.run import Run, Status


def queue(
    settings: Settings,
    database: Database,
    recipe: Recipe,
    trigger: str,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
    message: str = "",
) -> Run:
    """Queue a run for the scheduler that the settings name, with a line for its log; nobody is called.

    Raises Conflict where the project has an open run, BadInput for parameters that are none.
    """
    apply(recipe, dict(parameters or {}))
    scheduler = airflow.NAME if settings.airflow_url else ""
    with database.write() as connection:
        run = runs.open(connection, recipe.name, trigger, actor, parameters, scheduler)
        if message:
            runs.log(connection, run.id, "log", "", message)
    return run


def start(
    settings: Settings,
    database: Database,
    recipe: Recipe,
    trigger: str,
    actor: str,
    parameters: Mapping[str, Any] | None = None,
) -> Run:
    """Queue a run and have its scheduler begin it. Raises what `queue` does.

    Where Airflow cannot be called the run ends as failed and NotReady is raised: the person who asked is there to read.
    """
    run = queue(settings, database, recipe, trigger, actor, parameters)
    if run.scheduler != airflow.NAME:
        return run
    try:
        airflow.start(settings, recipe, run.id)
    except SightloopError as error:
        with database.write() as connection:
            if runs.get(connection, run.id).status is not Status.QUEUED:
                return run  # the worker, which calls for runs that nobody was told of, came through
            runs.finish(connection, run.id, Status.FAILED, {}, str(error))
            runs.log(connection, run.id, "finished", "", str(error), {"status": Status.FAILED.value})
        raise
    return run
