"""The loop of a project as an Airflow DAG: its names, and the file that declares it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from string import Template

from sightloop.errors import BadInput
from sightloop.loop.triggers.shipped import previous
from sightloop.values.recipe import Recipe


def dag_id(recipe: Recipe) -> str:
    """The DAG's id: the project's title, or its name where it has none, as `rock_paper_scissors_retrain_pipeline`.

    A title without a Latin letter or a digit counts as none.
    """
    return f"{_slug(recipe.title) or _slug(recipe.name)}_retrain_pipeline"


def tasks(recipe: Recipe) -> dict[str, str]:
    """The DAG's tasks in their order, each with the step that it calls."""
    inputs = "images" if recipe.input.kind == "image" else "landmarks"
    return {
        f"extract_{inputs}_from_postgres": "freeze",
        f"preprocess_{inputs}": "prepare",
        "version_data_with_dvc": "archive",
        f"retrain_{_slug(recipe.name)}_model": "train",
        "judge_against_champion": "check",
        "register_and_track_in_mlflow": "register",
        "roll_out_model": "roll-out",
    }


def render(recipe: Recipe, schedule: str | None = None) -> str:
    """The Python file of the project's DAG, with a cron expression in UTC or none. Raises BadInput for a wrong one."""
    if schedule is not None:
        _check(schedule)
    steps = "".join(f'    "{task}": "{step}",\n' for task, step in tasks(recipe).items())
    template = Template(resources.files("sightloop.loop").joinpath("dag.template").read_text(encoding="utf-8"))
    return template.substitute(
        dag=dag_id(recipe),
        project=recipe.name,
        steps=steps.rstrip("\n"),
        schedule="None" if schedule is None else f'"{schedule}"',
    )


def _check(schedule: str) -> None:
    try:
        previous(schedule, datetime.now(UTC))
    except BadInput as error:
        raise BadInput(
            "the schedule is no cron expression", expected="five fields, like 0 3 * * *", got=repr(schedule)
        ) from error


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
