"""What holds for every command: help, versions, and errors in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tens
from tests.cli.conftest import Command

from sightloop import __version__
from sightloop.cli.output import say, write_table
from sightloop.wiring import Parts

COMMANDS = [
    "up",
    "serve",
    "worker",
    "train",
    "retrain",
    "evaluate",
    "predict",
    "projects",
    "doctor",
    "data import",
    "data check",
    "data freeze",
    "data list",
    "models list",
    "models show",
    "models promote",
    "models rollback",
    "models export",
    "runs list",
    "runs show",
    "runs log",
    "runs cancel",
    "ledger show",
    "ledger verify",
    "why",
    "triggers",
    "recipe check",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_its_help(command: Command, words: str) -> None:
    done = command(*words.split(), "--help")
    assert done.code == 0
    assert "Usage: sightloop" in done.out


def test_the_version_is_told(command: Command) -> None:
    assert command("--version").out == f"sightloop {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["train", "tnes"],
        ["retrain", "tnes"],
        ["evaluate", "tnes"],
        ["predict", "tnes", "a.png"],
        ["data", "import", "tnes", "."],
        ["data", "check", "tnes"],
        ["data", "freeze", "tnes"],
        ["data", "list", "tnes"],
        ["models", "list", "tnes"],
        ["models", "show", "tnes"],
        ["models", "promote", "tnes", "1"],
        ["models", "rollback", "tnes"],
        ["runs", "list", "tnes"],
    ],
)
def test_an_unknown_project_is_told_with_the_nearest(
    home: Callable[..., Parts], command: Command, words: list[str]
) -> None:
    home()
    done = command(*words)
    assert done.code == 3
    assert done.err.startswith("Error: the project 'tnes' is not known; did you mean 'tens'?")
    assert "Traceback" not in done.err
    assert done.out == ""


def test_an_unknown_command_and_option_are_told_with_the_nearest(command: Command) -> None:
    assert "train" in command("trian").err
    assert "--epochs" in command("train", "tens", "--epoch", "3").err


@pytest.mark.parametrize(
    "words",
    [
        ("models", "promote", "tens"),
        ("runs", "list", "--limit"),
        ("data", "lineage", "tens", "--model"),
        ("data", "diff", "tens", "1"),
    ],
)
def test_a_number_that_no_database_takes_is_told(
    home: Callable[..., Parts], command: Command, words: tuple[str, ...]
) -> None:
    home()
    assert command(*words, "9" * 30).code == 2


def test_a_setting_that_cannot_be_is_told_by_its_name(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLOOP_POLL_SECONDS", "soon")
    done = command("projects")
    assert done.code == 2
    assert "SIGHTLOOP_POLL_SECONDS" in done.err
    assert "got soon" in done.err


def test_what_is_said_is_text_whatever_a_file_is_called(capfd: pytest.CaptureFixture[str]) -> None:
    say("a [bold]folder[/bold], k\udce4se.png")
    write_table(("file",), [("k\udce4se.png",)])
    said, _, cell, _ = capfd.readouterr().out.split("\n")
    assert said == "a [bold]folder[/bold], k\\udce4se.png"
    assert cell.rstrip() == "k\\udce4se.png"


def test_a_place_that_cannot_be_written_is_told(home: Callable[..., Parts], command: Command, tmp_path: Path) -> None:
    parts = home()
    (tmp_path / "set" / "7").mkdir(parents=True)
    (tmp_path / "set" / "7" / "a.png").write_bytes(next(tens.samples(1)).content)
    (parts.settings.home / "blobs").write_text("a file where the folder should be")
    done = command("data", "import", "tens", str(tmp_path / "set"))
    assert done.code == 5
    assert "Traceback" not in done.err
    assert str(parts.settings.home / "blobs") in done.err


def test_records_that_cannot_be_opened_are_told(home: Callable[..., Parts], command: Command) -> None:
    parts = home()
    tens.stock(parts)
    (parts.settings.home / "dbos.db").mkdir()
    done = command("train", "tens")
    assert done.code == 5
    assert "Error: the database does not answer any more; got unable to open database file" in done.err


def test_a_folder_of_recipes_that_is_not_there_is_told(
    home: Callable[..., Parts], command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home()
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(tmp_path / "none"))
    done = command("projects")
    assert done.code == 2
    assert "is not there" in done.err
