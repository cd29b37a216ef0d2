"""Work in child processes: results, errors, deaths, cancels."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.house import alive, until

from sightloop import plugins
from sightloop.compute.local import COMPUTE
from sightloop.errors import BadData, Cancelled, SightloopError
from sightloop.settings import Settings

ROOT = Path(__file__).parents[2]
WORK = "tests.compute.work"


@pytest.fixture(autouse=True)
def _children_find_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def run(function: str, payload: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"environment": {}, "listener": print, "cancelled": lambda: False}
    return COMPUTE.run(f"{WORK}:{function}", payload or {}, **usual | changes)


def test_it_is_the_plugin_named_local() -> None:
    assert plugins.load("compute", "local") is COMPUTE


def test_work_is_done_in_another_process_and_tells_of_itself() -> None:
    told: list[dict[str, Any]] = []
    result = run("add", {"a": 2, "b": 3}, listener=told.append)
    assert result["sum"] == 5
    assert result["process"] != os.getpid()
    assert told == [{"done": 0.5, "message": "part 1"}, {"done": 1.0, "message": "part 2"}]


def test_work_is_done_under_the_settings_of_who_asks(
    make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(weights=tmp_path / "weights", threads=3, airflow_password="secret")
    monkeypatch.setenv("SIGHTLOOP_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("SIGHTLOOP_OFFLINE", "false")
    monkeypatch.setenv("SIGHTLOOP_PORT", "1")
    assert run("settings", environment=settings.environment) == settings.environment
    assert "secret" not in str(settings.environment)


def test_an_error_of_ours_comes_through_whole() -> None:
    with pytest.raises(BadData) as raised:
        run("refuse")
    assert str(raised.value) == "no good; expected good; got bad. Mend it."


def test_another_error_is_told_with_the_end_of_the_output() -> None:
    with pytest.raises(SightloopError, match=r"(?s)exit code 1;.*ZeroDivisionError: by nothing"):
        run("crash")
    with pytest.raises(SightloopError, match="No module named"):
        COMPUTE.run("no.such.module:work", {}, environment={}, listener=print, cancelled=lambda: False)


@pytest.mark.parametrize(
    ("by", "cause"),
    [(signal.SIGKILL, "memory ran out"), (signal.SIGBUS, "disk is full"), (signal.SIGABRT, "no output")],
)
def test_a_death_is_told_with_its_likely_cause(by: signal.Signals, cause: str) -> None:
    with pytest.raises(SightloopError, match=rf"(?s)exit code -{by.value}.*{cause}"):
        run("die", {"signal": by})


def test_a_cancel_kills_the_child_and_all_that_it_started(tmp_path: Path) -> None:
    begun = threading.Event()
    with pytest.raises(Cancelled):
        run("linger", {"file": str(tmp_path / "pids")}, listener=lambda _: begun.set(), cancelled=begun.is_set)
    until(lambda: not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()), 1)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_dies_with_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    file = tmp_path / "pids"
    script = (
        "from sightloop.compute.local import COMPUTE;"
        f"COMPUTE.run('{WORK}:linger', {{'file': {str(file)!r}}}, environment={{}}, listener=print, cancelled=bool)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (file.is_file() and file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    child, grandchild = (int(pid) for pid in file.read_text().split())
    parent.send_signal(how)
    parent.wait()
    until(lambda: not alive(child), 10)
    if psutil.pid_exists(grandchild):
        os.kill(grandchild, signal.SIGKILL)
