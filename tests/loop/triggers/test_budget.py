"""When a run is not worth it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import update
from tests import tens

from sightloop.loop.samples.collect import collect
from sightloop.loop.triggers.budget import Gain, expected
from sightloop.loop.triggers.trigger import Look
from sightloop.loop.triggers.watch import Standing, watch
from sightloop.store import runs, tables
from sightloop.values.run import Status
from sightloop.wiring import Parts

Make = Callable[..., Parts]


def ran(parts: Parts, samples: int, accuracy: float, minutes: float = 10.0, actor: str = "trigger") -> None:
    """A run of the past: how many labels it had, how good its model was, how long it took; all began an hour ago."""
    result = {"counts": {"train": samples, "validation": 0, "test": 0}, "scores": {"accuracy": accuracy}}
    begun = datetime.now(UTC) - timedelta(hours=1)
    times = {"created": begun, "started": begun, "finished": begun + timedelta(minutes=minutes)}
    with parts.database.write() as connection:
        run = runs.open(connection, "tens", "labels", actor)
        runs.finish(connection, run.id, Status.SUCCEEDED, result)
        query = update(tables.runs).where(tables.runs.c.id == run.id)
        connection.execute(query.values({name: at.isoformat() for name, at in times.items()}))


def label(parts: Parts, count: int, label: str = "9") -> None:
    items = [msgspec.structs.replace(item, label=label) for item in tens.samples(count)]
    collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="ann", source="upload")


def asked(parts: Parts, days: float = 0) -> Standing:
    with parts.database.read() as connection:
        now = datetime.now(UTC) + timedelta(days=days)
        look = Look(parts.recipe("tens"), connection, runs.last(connection, "tens"), now, now)
        return {one.trigger: one for one in watch(look)}["labels"]


def gain(parts: Parts) -> Gain | None:
    with parts.database.read() as connection:
        now = datetime.now(UTC)
        last = runs.last(connection, "tens")
        return expected(Look(parts.recipe("tens"), connection, last, now, now), runs.page(connection, "tens"))


def test_runs_of_triggers_are_held_by_their_budget_until_the_days_have_passed(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + "budget_minutes = 25\nbudget_days = 2\n")
    label(parts, 10, "8")
    ran(parts, 600, 0.9, minutes=10)
    label(parts, 10)
    assert asked(parts).starts
    ran(parts, 600, 0.9, minutes=10)
    label(parts, 10, "8")
    held = asked(parts)
    assert not held.starts
    assert held.held == "triggers' runs took 20.0 minutes in 2 days, the next may take 10.0, and the budget is 25"
    assert asked(parts, days=3).starts


def test_runs_by_hand_do_not_count(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + "budget_minutes = 25\n")
    for _ in range(3):
        ran(parts, 600, 0.9, actor="ann")
    label(parts, 10)
    assert asked(parts).starts


def test_few_labels_upon_many_let_little_be_expected(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + "least_gain = 0.01\n")
    label(parts, 10, "8")
    assert asked(parts).starts, "before the first run nothing is known"
    ran(parts, 1000, 0.9)
    label(parts, 10)
    held = asked(parts)
    assert not held.starts
    assert held.held.startswith("10 labels more than the 1000 of the last run let 0.05% of accuracy be expected")
    label(parts, 400, "7")
    assert asked(parts).starts


def test_the_curve_is_that_of_the_projects_own_runs_where_they_show_one(make_parts: Make) -> None:
    parts = make_parts()
    assert gain(parts) is None
    for size in (100, 200, 400):
        ran(parts, size, 1 - 3.0 * size**-0.7)
    label(parts, 400)
    found = gain(parts)
    assert found is not None
    assert (found.before, found.after, found.fitted) == (400, 800, True)
    assert found.exponent == pytest.approx(0.7)
    assert found.points == pytest.approx(3.0 * (400**-0.7 - 800**-0.7))


def test_runs_that_show_no_falling_error_tell_of_no_curve(make_parts: Make) -> None:
    parts = make_parts()
    for size in (100, 200, 400):
        ran(parts, size, 0.9 - size / 10000)
    found = gain(parts)
    assert found is not None
    assert (found.fitted, found.exponent, found.points) == (False, 0.5, 0.0)
