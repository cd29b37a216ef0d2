"""`sightloop stream` without a screen: a line of JSON for each answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests import clips
from tests.cli.conftest import Command

from sightloop.wiring import Parts


@pytest.fixture
def film(tmp_path: Path) -> str:
    """A short video of 10 frames."""
    return str(clips.write(tmp_path / "film.mp4", 10))


def test_a_file_is_answered_line_by_line(home: Callable[..., Parts], command: Command, film: str) -> None:
    home(trained=True)
    done = command("stream", "tens", "--source", film, "--local", "--headless")
    assert done.code == 0, done.err
    lines = [msgspec.json.decode(line) for line in done.out.splitlines()]
    assert lines[-1]["frame"] == 10
    assert {"label", "confidence", "probabilities"} <= set(lines[-1]["prediction"])
    assert lines[-1]["age_ms"] > 0


def test_answers_go_to_a_file_and_end_at_the_limit(
    home: Callable[..., Parts], command: Command, film: str, tmp_path: Path
) -> None:
    home(trained=True)
    done = command("stream", "tens", "--source", film, "--local", "--out", str(tmp_path / "out"), "--limit", "1")
    assert (done.code, done.out) == (0, "")
    assert len((tmp_path / "out").read_text().splitlines()) == 1


@pytest.mark.parametrize(("screen", "code", "told"), [("", 5, "there is no screen"), (":99", 7, "opens no windows")])
def test_without_a_window_other_ways_are_named(
    home: Callable[..., Parts],
    command: Command,
    film: str,
    monkeypatch: pytest.MonkeyPatch,
    screen: str,
    code: int,
    told: str,
) -> None:
    home(trained=True)
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = command("stream", "tens", "--source", film, "--local")
    assert done.code == code
    assert told in done.err
    assert "--headless" in done.err
    assert "/v1/PROJECT/live" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--local", "--record"), "--local asks no server"),
        (("--version", "1"), "--version goes with --local"),
        (("--server", "localhost:8000"), "http://HOST:PORT"),
    ],
)
def test_options_that_do_not_go_together(
    home: Callable[..., Parts], command: Command, film: str, words: tuple[str, ...], told: str
) -> None:
    home()
    done = command("stream", "tens", "--source", film, "--headless", *words)
    assert done.code == 2
    assert told in done.err
