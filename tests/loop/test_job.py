"""How a step tells of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests import tens

from sightloop.loop.job import Job
from sightloop.wiring import Parts


def test_progress_tells_how_long_the_step_still_takes_from_where_it_began(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts()
    run = tens.ask(parts)
    job = Job(run, parts.recipe("tens"), parts.settings, parts.database, parts.blobs, lambda: False, "train")
    for done in (0.0, 0.5, 0.505, 0.75, 1.0):  # a training that goes on begins in the middle
        job.advance(done, "training", {"loss": 1 - done})
    told = [event.data for event in tens.events(parts, run) if event.kind == "metrics"]
    assert [row["done"] for row in told] == [0.0, 0.5, 0.505, 0.75, 1.0]
    assert ["left" in row for row in told] == [False, False, False, True, True]
    assert told[3]["left"] >= 0
    assert told[4]["left"] == pytest.approx(0)
