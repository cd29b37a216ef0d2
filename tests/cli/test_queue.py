"""The labelling queue by command."""

from __future__ import annotations

from collections.abc import Callable

from tests import tens
from tests.cli.conftest import Command
from tests.loop.samples.test_queue import record

from sightloop.wiring import Parts


def test_the_queue_is_listed(home: Callable[..., Parts], command: Command) -> None:
    parts = home(trained=True)
    assert "nothing to label" in command("queue", "tens").out
    ids = record(parts, list(tens.samples(620))[600:])
    asking = command("queue", "tens", "--limit", "5", "--json").json
    assert len(asking["items"]) == 5
    assert {one["prediction"] for one in asking["items"]} < set(ids)
    assert "of 20 predictions that nobody corrected" in command("queue", "tens").out


def test_a_project_without_a_model_has_no_queue(home: Callable[..., Parts], command: Command) -> None:
    home()
    assert command("queue", "tens").code == 5
