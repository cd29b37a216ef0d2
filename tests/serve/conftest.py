"""The parts of the answer path over a home of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests import packages
from tests.deploying import Home, write_recipes

from sightloop.serve.live import Live
from sightloop.serve.recorder import Recorder
from sightloop.settings import Settings
from sightloop.telemetry import Telemetry


@pytest.fixture
def make_home(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """An empty home that knows the recipes of `tests.packages`; keywords override settings."""
    with ExitStack() as stack:

        def make(**overrides: object) -> Home:
            values: dict[str, object] = {"recipes": write_recipes(tmp_path / "recipes"), "poll_seconds": 0.02}
            home = Home(make_settings(**(values | overrides)))
            stack.callback(home.database.close)
            return home

        yield make


@pytest.fixture
def make_live() -> Iterator[Callable[..., Live]]:
    """The models in memory of a home: started, or to be refreshed by hand."""
    with ExitStack() as stack:

        def make(home: Home, telemetry: Telemetry | None = None, start: bool = False) -> Live:
            live = Live(home.database, home.blobs, packages.TEXTS, home.settings, telemetry or Telemetry())
            if start:
                live.start()
                stack.callback(live.stop)
            else:
                live.refresh()
            return live

        yield make


@pytest.fixture
def make_recorder() -> Callable[..., Recorder]:
    """A recorder into a home."""

    def make(home: Home, telemetry: Telemetry | None = None) -> Recorder:
        return Recorder(home.database, home.blobs, home.settings, telemetry or Telemetry())

    return make
