"""The DAG of a project: its names, its file, and the one that ships."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest
from tests import packages, tens

from sightloop.data import recipes
from sightloop.errors import BadInput
from sightloop.loop.dag import dag_id, render, tasks
from sightloop.loop.steps import STEPS
from sightloop.values.recipe import Recipe

SHIPPED = Path(__file__).parents[2] / "deploy" / "airflow" / "dags"


def test_the_shipped_dag_is_what_the_tool_writes_for_rps() -> None:
    recipe = recipes.load()["rps"]
    assert dag_id(recipe) == "rock_paper_scissors_retrain_pipeline"
    assert (SHIPPED / f"{dag_id(recipe)}.py").read_text() == render(recipe)


def test_its_tasks_have_the_promised_names_and_call_every_step_once_in_order() -> None:
    named = tasks(recipes.load()["rps"])
    assert tuple(named.values()) == tuple(STEPS)
    assert list(named)[:4] == [
        "extract_images_from_postgres",
        "preprocess_images",
        "version_data_with_dvc",
        "retrain_rps_model",
    ]


def test_a_project_of_landmarks_extracts_landmarks() -> None:
    assert list(tasks(packages.GESTURES))[:2] == ["extract_landmarks_from_postgres", "preprocess_landmarks"]
    assert dag_id(packages.GESTURES) == "gestures_retrain_pipeline"


def test_a_title_without_a_latin_letter_does_not_take_the_project_its_name() -> None:
    assert dag_id(msgspec.structs.replace(packages.GESTURES, title="\u624b\u52bf")) == "gestures_retrain_pipeline"


@pytest.mark.parametrize("recipe", [Recipe.parse(tens.RECIPE), packages.GESTURES])
def test_every_dag_is_python_that_imports_airflow_alone(recipe: Recipe) -> None:
    tree = ast.parse(render(recipe, "30 2 * * *"))
    nodes = list(ast.walk(tree))
    imported = {str(node.module).partition(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert imported | plain == {"__future__", "airflow", "datetime", "itertools", "os", "subprocess"}


def test_a_schedule_must_be_a_cron_expression() -> None:
    with pytest.raises(BadInput, match="no cron expression; expected five fields"):
        render(packages.DIGITS, 'now" + evil() + "')
