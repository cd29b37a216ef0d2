"""MLflow: what was recorded can be read back by its own client, once per run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from sightloop.errors import NotFound
from sightloop.store import tracking
from sightloop.values.moment import new_id
from sightloop.values.package import Sealed

FIRST = """
import json, socket, sys
from sightloop.store import tracking
assert "mlflow" not in sys.modules
called = []
connect = socket.socket.connect
socket.socket.connect = lambda self, address: (called.append(str(address)), connect(self, address))[1]
tracking.log_run(sys.argv[1], project="first", run="r", parameters={}, metrics={})
print(json.dumps(called))
"""


@dataclass(frozen=True)
class House:
    """An MLflow database, its client, and where it keeps artifacts."""

    url: str
    root: Path
    client: MlflowClient
    first: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One database for all tests, made in a process of its own, since MLflow takes seconds to make one."""
    home = tmp_path_factory.mktemp("mlflow")
    url = f"sqlite:///{home}/deep/mlflow.db"
    clean = {name: value for name, value in os.environ.items() if name not in ("DO_NOT_TRACK", "CI")}
    first = subprocess.run(
        [sys.executable, "-c", FIRST, url], cwd=home, env=clean, capture_output=True, text=True, check=False
    )
    return House(url, home / "artifacts", MlflowClient(tracking_uri=url, registry_uri=url), first)


@pytest.fixture
def project() -> str:
    """A project of the test's own."""
    return f"digits-{new_id()[-12:]}"


@pytest.fixture
def record(mlflow: House, project: str) -> Callable[..., str]:
    """Records a run of the project; MLflow's id of it."""

    def log(run: str, **more: object) -> str:
        values: dict[str, object] = {"parameters": {"epochs": 2}, "metrics": {"accuracy": 0.99}, "root": mlflow.root}
        return tracking.log_run(mlflow.url, project=project, run=run, **(values | more))  # type: ignore[arg-type]

    return log


def test_a_run_is_read_back_whole(
    mlflow: House, project: str, record: Callable[..., str], make_package: Callable[..., Sealed], tmp_path: Path
) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "confusion.png").write_bytes(b"png")
    run, package = new_id(), make_package()
    id = record(
        run,
        parameters={"epochs": 2, "options": {"a": "b" * 9000}} | {f"p{number}": number for number in range(150)},
        metrics={"accuracy": 0.99, "loss": 0.125, "recall.peace inv.": 0.5, "f1.c++/x": 1.0}
        | {f"m{n}": n for n in range(150)},
        curves=[{"loss": 0.5, "val_loss": 0.6}, {"loss": 0.25, "val_loss": None}],
        tags={"dataset": "3", "code": "0.1.0"},
        artifacts=tmp_path,
        package=package,
        environment="numpy==2.4.6\n",
    )
    found = mlflow.client.get_run(id)
    assert found.info.status == "FINISHED"
    assert (found.data.params["epochs"], found.data.params["p149"]) == ("2", "149")
    assert (found.data.metrics["accuracy"], found.data.metrics["loss"]) == (0.99, 0.125)
    assert found.data.metrics["recall.peace inv."] == 0.5
    assert found.data.metrics["f1.c---x"] == 1.0
    assert {tracking.RUN: run, "dataset": "3", "code": "0.1.0"}.items() <= found.data.tags.items()
    curve = mlflow.client.get_metric_history(id, "epoch.loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.25)]
    files = mlflow.root / project / id / "artifacts"
    assert Sealed.read(files / "package") == package
    assert (files / "requirements.txt").read_text() == "numpy==2.4.6\n"
    assert [file.path for file in mlflow.client.list_artifacts(id, "figures")] == ["figures/confusion.png"]


def test_a_run_is_recorded_once(mlflow: House, record: Callable[..., str]) -> None:
    run = new_id()
    assert record(run) == record(run)


def test_a_record_that_was_broken_off_is_begun_anew(mlflow: House, project: str, record: Callable[..., str]) -> None:
    run = new_id()
    whole = record(run)
    mlflow.client.update_run(whole, status="RUNNING")
    again = record(run)
    assert again != whole
    experiment = mlflow.client.get_experiment_by_name(project)
    assert experiment is not None
    assert [found.info.run_id for found in mlflow.client.search_runs([experiment.experiment_id])] == [again]


def test_the_environment_is_recorded_unless_another_is_given(
    mlflow: House, project: str, record: Callable[..., str]
) -> None:
    files = mlflow.root / project / record(new_id()) / "artifacts"
    lines = (files / "requirements.txt").read_text().splitlines()
    assert any(line.startswith("mlflow-skinny==") for line in lines)
    assert lines == sorted(lines, key=str.lower)


def test_a_version_is_registered_once_and_leads_to_its_package(
    mlflow: House, project: str, record: Callable[..., str], make_package: Callable[..., Sealed], tmp_path: Path
) -> None:
    run, package = new_id(), make_package()
    id = record(run, package=package)
    numbers = {
        tracking.register(mlflow.url, project=project, version=7, run=run, tags={"verdict": "accepted"}, reason="ok")
        for _ in range(2)
    }
    (found,) = mlflow.client.search_model_versions(f"name = '{project}'")
    assert numbers == {str(found.version)}
    assert (found.run_id, found.description) == (id, "ok")
    assert found.tags == {tracking.RUN: run, tracking.VERSION: "7", "verdict": "accepted"}
    folder = mlflow.client.download_artifacts(id, "package", str(tmp_path))
    assert Sealed.read(Path(folder)) == package
    assert mlflow.client.get_model_version_download_uri(project, found.version).endswith("/package")


def test_aliases_follow_our_versions(mlflow: House, project: str, record: Callable[..., str]) -> None:
    three, five = new_id(), new_id()
    for version, run in ((3, three), (5, five)):
        record(run)
        tracking.register(mlflow.url, project=project, version=version, run=run)

    def named(alias: str) -> str:
        return str(mlflow.client.get_model_version_by_alias(project, alias).tags[tracking.VERSION])

    tracking.set_alias(mlflow.url, project, "challenger", five)
    assert named("challenger") == "5"
    tracking.crown(mlflow.url, project, three)
    tracking.crown(mlflow.url, project, five)
    assert named("champion") == "5"
    assert mlflow.client.get_registered_model(project).aliases.keys() == {"champion"}


def test_two_homes_on_one_server_each_have_their_own_versions_of_a_number(
    mlflow: House, project: str, record: Callable[..., str]
) -> None:
    here, there = new_id(), new_id()
    for run in (here, there):
        record(run)
        tracking.register(mlflow.url, project=project, version=1, run=run)
    assert len(mlflow.client.search_model_versions(f"name = '{project}'")) == 2
    tracking.crown(mlflow.url, project, there)
    assert mlflow.client.get_model_version_by_alias(project, "champion").tags[tracking.RUN] == there


def test_what_was_not_recorded_cannot_be_registered_or_named(mlflow: House, project: str) -> None:
    with pytest.raises(NotFound):
        tracking.register(mlflow.url, project=project, version=1, run=new_id())
    with pytest.raises(NotFound):
        tracking.set_alias(mlflow.url, project, "champion", new_id())


def test_mlflow_is_imported_late_calls_nobody_and_says_nothing(mlflow: House) -> None:
    assert mlflow.first.stderr == ""
    assert mlflow.first.returncode == 0
    assert json.loads(mlflow.first.stdout) == []
