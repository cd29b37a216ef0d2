"""The loop of the project rps, a step a task. Written by `sightloop airflow dag rps`; see docs/airflow.md.

It needs Airflow 3 and nothing of sightloop's, whose command it runs out of a virtual environment of its own: the
Airflow variable `sightloop_command`, or SIGHTLOOP_COMMAND in the worker's environment, says where it lies. SIGHTLOOP_*
settings in that environment say where the database, the blobs, DVC's remote and MLflow are; they are those of the API.
"""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from itertools import pairwise

from airflow.sdk import DAG, TriggerRule, Variable, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

PROJECT = "rps"
STEPS = {
    "extract_images_from_postgres": "freeze",
    "preprocess_images": "prepare",
    "version_data_with_dvc": "archive",
    "retrain_rps_model": "train",
    "judge_against_champion": "check",
    "register_and_track_in_mlflow": "register",
    "roll_out_model": "roll-out",
}
PASSING = 5  # the exit code of what may help to try again; a process that was killed has a negative one


def sightloop(*words: str) -> str:
    """Run `sightloop WORDS`, its log into the task's; what it printed. Only a failure that may pass is tried again."""
    command = Variable.get("sightloop_command", default=os.environ.get("SIGHTLOOP_COMMAND", "sightloop"))
    process = subprocess.Popen([command, *words], stdout=subprocess.PIPE, text=True)
    try:
        printed = process.communicate()[0].strip()
    except BaseException:  # the task is ended from outside: the step is given up, and may be done again
        process.terminate()
        process.wait()
        raise
    if process.returncode == 0:
        return printed
    told = f"sightloop {' '.join(words)} ended with exit code {process.returncode}; its log stands above"
    if process.returncode < 0 or process.returncode == PASSING:
        raise RuntimeError(told)
    raise AirflowFailException(told)


def given() -> str:
    """The run that the API opened when it started this DAG, if it did."""
    return (get_current_context()["dag_run"].conf or {}).get("run", "")


@task
def open_run() -> str:
    """Open a run, or take the one that is given; its id."""
    which = ["--run", given()] if given() else ["--actor", get_current_context()["dag_run"].run_id]
    return sightloop("step", "open", PROJECT, "--scheduler", "airflow", *which)


@task
def step(name: str, run: str) -> str:
    """Do one step of the run; where the run then stands."""
    return sightloop("step", name, "--run", run)


@task(trigger_rule=TriggerRule.ONE_FAILED)
def close_run(run: str | None) -> str:
    """End the run as failed where a task died without ending it, so that the project can have another."""
    return sightloop("step", "close", "--run", run or given()) if run or given() else "no run was opened"


with DAG(
    dag_id="rock_paper_scissors_retrain_pipeline",
    description="Retrains rps, judges the new model against the one that serves, and rolls it out if it is better.",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args={"retries": 3, "retry_delay": timedelta(seconds=15)},
    tags=["sightloop", PROJECT],
):
    run = open_run()
    steps = [step.override(task_id=name)(which, run) for name, which in STEPS.items()]
    for before, after in pairwise(steps):
        before >> after
    steps >> close_run(run)
