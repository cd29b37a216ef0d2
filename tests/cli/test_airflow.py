"""A project's loop as a DAG, by command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Command

from sightloop.wiring import Parts

Home = Callable[..., Parts]


def test_a_dag_is_printed_or_written(home: Home, command: Command, tmp_path: Path) -> None:
    home()
    printed = command("airflow", "dag", "tens", "--schedule", "0 3 * * 1").out
    assert 'schedule="0 3 * * 1"' in printed
    words = ("airflow", "dag", "tens", "--schedule", "0 3 * * 1", "--to", str(tmp_path / "dags"))
    written = Path(command(*words).out.strip())
    assert written.name == "digits_learned_in_a_second_retrain_pipeline.py"
    assert written.read_text() == printed


def test_a_schedule_that_is_none_is_refused(home: Home, command: Command) -> None:
    home()
    done = command("airflow", "dag", "tens", "--schedule", "every day")
    assert (done.code, "no cron expression" in done.err) == (2, True)
