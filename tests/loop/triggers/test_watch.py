"""Which trigger starts a run, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests import tens

from sightloop.loop.samples.collect import collect
from sightloop.loop.triggers.trigger import Look
from sightloop.loop.triggers.watch import Standing, watch
from sightloop.store import runs
from sightloop.values.run import Status
from sightloop.wiring import Parts

Make = Callable[..., Parts]


def seen(parts: Parts, later: timedelta = timedelta()) -> dict[str, Standing]:
    with parts.database.read() as connection:
        last = runs.last(connection, "tens")
        look = Look(parts.recipe("tens"), connection, last, datetime.now(UTC) + later, datetime.now(UTC))
        return {one.trigger: one for one in watch(look)}


def upload(parts: Parts, count: int) -> None:
    collect(parts.database, parts.blobs, parts.recipe("tens"), tens.samples(count), author="ann", source="upload")


def test_each_trigger_tells_its_count_its_level_and_why_it_does_not_start(make_parts: Make) -> None:
    parts = make_parts()
    upload(parts, 4)
    found = seen(parts)
    assert set(found) == {"labels", "predictions"}
    labels = found["labels"]
    assert (labels.starts, labels.present, labels.level) == (False, 4, 5)
    assert labels.held == "its level is not reached"
    upload(parts, 5)
    assert seen(parts)["labels"].starts


def test_an_open_run_holds_every_trigger(make_parts: Make) -> None:
    parts = make_parts()
    run = tens.ask(parts)
    upload(parts, 5)
    assert seen(parts)["labels"].held == f"run {run.id} is open (queued)"


def test_a_trigger_cools_down_after_a_run_and_then_starts(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + "cooldown_minutes = 30\n")
    with parts.database.write() as connection:
        run = runs.open(connection, "tens", "hand", "test")
        runs.finish(connection, run.id, Status.FAILED, {}, "a test")
    upload(parts, 5)
    held = seen(parts)["labels"].held
    assert held.startswith(f"the last run began at {run.created[:19]}; it cools down until ")
    assert seen(parts, timedelta(minutes=29))["labels"].held
    assert seen(parts, timedelta(minutes=31))["labels"].starts


def test_one_run_is_enough_where_two_triggers_are_due(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + 'schedule = "* * * * *"\n')
    upload(parts, 5)
    found = seen(parts, timedelta(minutes=2))
    assert found["labels"].starts
    assert found["schedule"].held == "the trigger labels starts a run already"


def test_a_trigger_of_ones_own_that_fails_says_so_and_keeps_no_other(
    make_parts: Make, install: Callable[[str, str, str], None]
) -> None:
    install("triggers", "full-moon", "def plugin(look):\n    return look.moon\n")
    parts = make_parts()
    upload(parts, 5)
    found = seen(parts)
    assert found["labels"].starts
    assert found["full-moon"].broken
    assert found["full-moon"].message == "AttributeError: 'Look' object has no attribute 'moon'"


def test_a_trigger_that_cannot_be_asked_says_so_and_keeps_no_other(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE + 'schedule = "now and then"\n')
    upload(parts, 5)
    found = seen(parts)
    assert found["labels"].starts
    assert found["schedule"].broken
    assert "is no cron expression" in found["schedule"].message
