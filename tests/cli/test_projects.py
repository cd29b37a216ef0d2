"""Projects and recipes by command, and the doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tens
from tests.cli.conftest import Command

from sightloop.wiring import Parts
from sightloop.worker import Worker

Home = Callable[..., Parts]


def test_projects_are_listed_with_samples_and_champion(home: Home, command: Command) -> None:
    home(trained=True)
    rows = {row["project"]: row for row in command("projects", "--json").json}
    assert (rows["tens"]["samples"], rows["tens"]["champion"]) == (600, 1)
    assert rows["digits"]["champion"] is None
    assert "Hand gestures" in command("projects").out


def test_a_good_recipe_is_told_in_a_line(command: Command, tmp_path: Path) -> None:
    path = tens.write(tmp_path) / "tens.toml"
    assert command("recipe", "check", str(path)).out.endswith(
        "declares tens: classification of 10 classes by sklearn\n"
    )
    assert command("recipe", "check", str(path), "--json").json["name"] == "tens"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("epochs = 5", "epoch = 5", "'epochs'"),
        ('model = "logistic"', 'modle = "logistic"', "'model'"),
        ("labels = 5", 'schedule = "never"', "no cron expression"),
    ],
)
def test_a_bad_recipe_is_told_with_what_was_meant(
    command: Command, tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tens.write(tmp_path, tens.RECIPE.replace(old, new)) / "tens.toml"
    done = command("recipe", "check", str(path))
    assert done.code == 2
    assert told in done.err


def test_the_doctor_finds_a_healthy_home_healthy(home: Home, command: Command) -> None:
    parts = home(trained=True)
    done = command("doctor", "--json")
    assert done.code == 0
    signs = {sign["name"]: sign for sign in done.json}
    assert signs["model of tens"]["good"] is True
    assert signs["model of gestures"]["good"] is None
    assert signs["worker"]["message"] == "none is running"
    with Worker(parts):
        assert "last heard of" in command("doctor").out


def test_the_doctor_finds_an_altered_blob(home: Home, command: Command) -> None:
    parts = home(trained=True)
    altered = max((parts.settings.home / "blobs").rglob("*"), key=lambda path: path.stat().st_size)
    altered.write_bytes(altered.read_bytes()[:-1] + b"x")
    done = command("doctor")
    assert done.code == 1
    assert f"BAD blobs: 1 altered or damaged: {altered.name}" in done.out
