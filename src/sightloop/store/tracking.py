"""MLflow: a record of runs and model versions beside our own rows, for people and tools that know its interface.

sightloop writes here and never reads from here to decide. What is recorded twice for one run stands here once. Runs and
versions carry our ids as tags: `sightloop.run` and `sightloop.version`.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightloop.errors import MissingExtra, NotFound
from sightloop.values.package import Sealed

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

RUN, VERSION = "sightloop.run", "sightloop.version"
CHAMPION, CHALLENGER = "champion", "challenger"
_AT_ONCE = 100  # MLflow takes 100 parameters and 1,000 metrics in one call
_LONGEST = 6000  # characters of a parameter's value
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
    # A server that is down would else hold a run up for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}


def prepare(url: str) -> None:
    """Make the tables of a local database, which takes seconds the first time; nothing where they are there."""
    _client(url).search_experiments(max_results=1)


def log_run(
    url: str,
    *,
    project: str,
    run: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    curves: Iterable[Mapping[str, float | None]] = (),
    tags: Mapping[str, str] | None = None,
    artifacts: Path | None = None,
    package: Sealed | None = None,
    environment: str | None = None,
    root: Path | None = None,
) -> str:
    """Record a run in the experiment of its project; MLflow's id of it.

    `curves` has a row of numbers per epoch (recorded as `epoch.NAME`, by step), `artifacts` is a folder whose files are
    copied, `package` goes into the folder `package`, `environment` (by default what is installed here) into
    `requirements.txt`. `root` is the folder for artifacts where MLflow is a local database. A run that was recorded
    wholly is not recorded again; one that was broken off is begun anew.
    """
    client = _client(url)
    experiment = _experiment(client, url, project, root)
    for recorded in _runs(client, experiment, run):
        if recorded.info.status == "FINISHED":
            return str(recorded.info.run_id)
        client.delete_run(recorded.info.run_id)
    new = client.create_run(experiment, run_name=run, tags={RUN: run, **(tags or {})}).info.run_id
    _log_numbers(client, new, parameters, metrics, curves)
    if artifacts is not None:
        client.log_artifacts(new, str(artifacts))
    if package is not None:
        _log_package(client, new, package)
    client.log_text(new, installed() if environment is None else environment, "requirements.txt")
    client.set_terminated(new)
    return str(new)


def register(
    url: str, *, project: str, version: int, run: str, tags: Mapping[str, str] | None = None, reason: str = ""
) -> str:
    """Register the package of a recorded run as a version of the model named as its project; MLflow's number of it.

    The number is MLflow's own; ours is the tag `sightloop.version`. A version is found again by its run, since homes
    that share a server count their versions each. Raises NotFound where the run was not recorded.
    """
    client = _client(url)
    registered = _version_of(client, project, run)
    if registered is not None:
        return str(registered.version)
    experiment = client.get_experiment_by_name(project)
    recorded = next(iter(_runs(client, experiment.experiment_id, run)), None) if experiment else None
    if recorded is None:
        raise NotFound(f"MLflow has no record of run {run} of {project}", hint="Record the run first.")
    _create_model(client, project)
    new = client.create_model_version(
        project,
        source=f"runs:/{recorded.info.run_id}/package",
        run_id=recorded.info.run_id,
        tags={RUN: run, VERSION: str(version), **(tags or {})},
        description=reason,
    )
    return str(new.version)


def set_alias(url: str, project: str, alias: str, run: str) -> None:
    """Let an alias name the version that a run registered. Raises NotFound where it did not."""
    client = _client(url)
    registered = _version_of(client, project, run)
    if registered is None:
        raise NotFound(f"MLflow has no version of {project} by run {run}", hint="Register the version first.")
    client.set_registered_model_alias(project, alias, registered.version)


def crown(url: str, project: str, run: str) -> None:
    """Let `champion` name the version that a run registered, and `challenger` none. Raises NotFound."""
    set_alias(url, project, CHAMPION, run)
    _client(url).delete_registered_model_alias(project, CHALLENGER)


def installed() -> str:
    """The packages of this environment, pinned, a line each, as a requirements file has them."""
    found = {f"{package.name}=={package.version}" for package in distributions()}
    return "\n".join(sorted(found, key=str.lower)) + "\n"


def _client(url: str) -> MlflowClient:
    # Before the import, which reads them: no calls home, and no lines about its own tables in our log.
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtra("recording runs needs MLflow", hint="Install `sightloop[train]`.") from error
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=url, registry_uri=url)


def _experiment(client: MlflowClient, url: str, project: str, root: Path | None) -> str:
    found = client.get_experiment_by_name(project)
    if found is not None:
        return str(found.experiment_id)
    # A server keeps artifacts where it was told to; a local database would take the current folder.
    local = root is not None and not url.startswith(("http://", "https://"))
    location = (root / project).resolve().as_uri() if root is not None and local else None
    return str(client.create_experiment(project, artifact_location=location))


def _runs(client: MlflowClient, experiment: str, run: str) -> list[Run]:
    return list(client.search_runs([experiment], filter_string=f"tags.`{RUN}` = '{run}'"))


def _version_of(client: MlflowClient, project: str, run: str) -> ModelVersion | None:
    found = client.search_model_versions(f"name = '{project}' and tags.`{RUN}` = '{run}'")
    return next(iter(found), None)


def _create_model(client: MlflowClient, project: str) -> None:
    if not client.search_registered_models(f"name = '{project}'"):
        client.create_registered_model(project)


def _log_numbers(
    client: MlflowClient,
    run: str,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    curves: Iterable[Mapping[str, float | None]],
) -> None:
    from mlflow.entities import Metric, Param

    at = int(time.time() * 1000)
    numbers = [Metric(_name(name), value, at, 0) for name, value in metrics.items()]
    for epoch, row in enumerate(curves, start=1):
        # Under a name of their own: MLflow would show the last epoch's loss as that of the whole run.
        told = {name: value for name, value in row.items() if value is not None}  # as JSON has what is no number
        numbers += [Metric(_name(f"epoch.{name}"), value, at, epoch) for name, value in told.items()]
    texts = [Param(_name(name), str(value)[:_LONGEST]) for name, value in parameters.items()]
    for some in _parts(numbers):
        client.log_batch(run, metrics=some)
    for some in _parts(texts):
        client.log_batch(run, params=some)


def _log_package(client: MlflowClient, run: str, package: Sealed) -> None:
    with tempfile.TemporaryDirectory() as folder:
        package.write(Path(folder))
        client.log_artifacts(run, folder, "package")


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))


def _name(text: str) -> str:
    """The text with what MLflow's names cannot carry made dashes, since classes may be called anything."""
    return re.sub(r"[^\w\-. ]", "-", text, flags=re.ASCII)[:250]
