"""Airflow as the scheduler of runs: a DAG is started there (REST v2), which calls `sightloop step`."""

from __future__ import annotations

import httpx

from sightloop.errors import NotReady
from sightloop.loop.dag import dag_id
from sightloop.settings import Settings
from sightloop.values.recipe import Recipe

NAME = "airflow"
"""The scheduler's name in a run's row."""

_SECONDS = 10.0


def start(settings: Settings, recipe: Recipe, run: str) -> str:
    """Start the project's DAG for a run, whose id the DAG run takes; the DAG's id. A run that has one gets no second.

    Raises NotReady where Airflow cannot be reached, refuses the user, or has no such DAG.
    """
    dag = dag_id(recipe)
    # No proxies or .netrc from the environment: the one password that is sent is the one that was set.
    with httpx.Client(base_url=(settings.airflow_url or "").rstrip("/"), timeout=_SECONDS, trust_env=False) as client:
        try:
            headers = {"Authorization": f"Bearer {_token(client, settings)}"}
            order = {"dag_run_id": run, "logical_date": None, "conf": {"run": run}}
            answer = client.post(f"/api/v2/dags/{dag}/dagRuns", json=order, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotReady(
                f"Airflow at {settings.airflow_url} cannot be reached: {type(error).__name__}",
                hint="Look at SIGHTLOOP_AIRFLOW_URL and whether Airflow is up.",
            ) from error
    if answer.status_code == httpx.codes.CONFLICT:
        return dag
    if answer.is_error:
        raise NotReady(
            f"Airflow did not start {dag}",
            got=f"{answer.status_code} {answer.text[:300]}",
            hint=f"Airflow needs the file that `sightloop airflow dag {recipe.name}` writes in its folder of DAGs.",
        )
    return dag


def _token(client: httpx.Client, settings: Settings) -> str:
    if settings.airflow_token is not None:
        return settings.airflow_token.get_secret_value()
    if settings.airflow_user is None or settings.airflow_password is None:
        answer = client.get("/auth/token")  # an Airflow that asks for no user, as on a laptop
    else:
        password = settings.airflow_password.get_secret_value()
        answer = client.post("/auth/token", json={"username": settings.airflow_user, "password": password})
    if answer.is_error or "access_token" not in answer.text:
        raise NotReady(
            "Airflow gave no token",
            got=f"status {answer.status_code}",
            hint="Set SIGHTLOOP_AIRFLOW_USER and SIGHTLOOP_AIRFLOW_PASSWORD, or SIGHTLOOP_AIRFLOW_TOKEN.",
        )
    token: str = answer.json()["access_token"]
    return token
