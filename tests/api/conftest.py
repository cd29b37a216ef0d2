"""Servers of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests import packages
from tests.deploying import Home, write_recipes
from tests.inprocess import Client

from sightloop.api.app import create
from sightloop.settings import Settings
from sightloop.values.package import Sealed


@pytest.fixture
def make_home(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """A home that knows the recipes of `tests.packages`, with these packages deployed; keywords override settings."""
    with ExitStack() as stack:

        def make(*deployed: Sealed, **overrides: object) -> Home:
            values: dict[str, object] = {"recipes": write_recipes(tmp_path / "recipes"), "poll_seconds": 0.05}
            home = Home(make_settings(**(values | overrides)))
            stack.callback(home.database.close)
            for sealed in deployed:
                home.deploy(sealed)
            return home

        yield make


@pytest.fixture
def open_client() -> Iterator[Callable[[Home], Client]]:
    """A client of an application in this process over a home; closed at the end."""
    with ExitStack() as stack:

        def open_it(home: Home) -> Client:
            client = Client(create(home.settings))
            stack.callback(client.stop)
            return client

        yield open_it


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    """A home in which digits and gestures are deployed."""
    return make_home(packages.digits(), packages.gestures())


@pytest.fixture
def client(home: Home, open_client: Callable[[Home], Client]) -> Client:
    """A client of an application over `home`."""
    return open_client(home)
