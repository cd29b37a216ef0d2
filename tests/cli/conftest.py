"""Runs a command as a person would, over a home of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import structlog
from tests import tens

from sightloop.cli.main import main
from sightloop.wiring import Parts


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as a program would."""
        return msgspec.json.decode(self.out)


Command = Callable[..., Done]


@pytest.fixture
def home(make_parts: Callable[..., Parts], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Parts]:
    """Parts over a home that the commands of this test work on; keywords as for `make_parts`."""

    def make(text: str = tens.RECIPE, **given: Any) -> Parts:
        parts = make_parts(text, **given)
        monkeypatch.setenv("SIGHTLOOP_HOME", str(parts.settings.home))
        monkeypatch.setenv("SIGHTLOOP_RECIPES", str(parts.settings.recipes))
        monkeypatch.setenv("SIGHTLOOP_OFFLINE", "true")
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.chdir(parts.settings.home)
        return parts

    return make


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `sightloop WORDS` in this process."""

    def run(*words: str) -> Done:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        structlog.reset_defaults()  # the next test's output is another
        captured = capfd.readouterr()
        return Done(int(ended.value.code or 0), captured.out, captured.err)

    return run
