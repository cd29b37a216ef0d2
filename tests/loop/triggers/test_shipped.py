"""When the loop begins by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests import tens

from sightloop import plugins
from sightloop.errors import BadRecipe
from sightloop.loop.samples.collect import collect
from sightloop.loop.triggers.shipped import new_labels, new_predictions, previous, quality, schedule
from sightloop.loop.triggers.trigger import Look, Reading
from sightloop.store import annotations as said_before
from sightloop.store import leases, predictions, runs
from sightloop.store.predictions import Recorded
from sightloop.values.annotation import Annotation
from sightloop.values.moment import new_id, now
from sightloop.values.prediction import Answer
from sightloop.values.recipe import Triggers
from sightloop.values.run import Run, Status
from sightloop.values.sample import digest_of
from sightloop.wiring import Parts

Make = Callable[..., Parts]
Trigger = Callable[[Look], Reading | None]

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def ask(parts: Parts, trigger: Trigger) -> str | None:
    with parts.database.read() as connection:
        last = runs.last(connection, "tens")
        reading = trigger(Look(parts.recipe("tens"), connection, last, datetime.now(UTC), datetime.now(UTC)))
    return reading.message if reading is not None and reading.due else None


def finished_run(parts: Parts) -> None:
    with parts.database.write() as connection:
        run = runs.open(connection, "tens", "hand", "test")
        leases.RUNS.take(connection, run.id, "worker")
        runs.finish(connection, run.id, Status.FAILED, {}, "a test")


def upload(parts: Parts, count: int, label: str | None = None) -> None:
    items = [msgspec.structs.replace(item, label=label or item.label) for item in tens.samples(count)]
    collect(parts.database, parts.blobs, parts.recipe("tens"), items, author="ann", source="upload")


def predict(parts: Parts, count: int) -> None:
    answer = Answer(label="1", index=1, confidence=1.0, probabilities=[1.0])
    with parts.database.write() as connection:
        predictions.add_many(
            connection,
            [Recorded(id=new_id(), project="tens", version=1, answer=answer, at=now()) for _ in range(count)],
        )


def test_every_trigger_comes_through_the_plugin_door() -> None:
    assert plugins.names("triggers") == ["labels", "predictions", "quality", "schedule"]
    assert plugins.load("triggers", "labels") is new_labels


def test_imported_labels_start_nothing_and_uploaded_ones_do(make_parts: Make) -> None:
    parts = make_parts()
    tens.stock(parts, 50)
    assert ask(parts, new_labels) is None
    upload(parts, 4, label="9")
    assert ask(parts, new_labels) is None
    upload(parts, 6, label="8")
    assert ask(parts, new_labels) == "6 samples were labelled since the last run (at least 5)"


def test_a_sample_labelled_twice_counts_once(make_parts: Make) -> None:
    parts = make_parts()
    upload(parts, 3, label="8")
    upload(parts, 3, label="9")
    assert ask(parts, new_labels) is None


def test_labels_count_from_the_last_run(make_parts: Make) -> None:
    parts = make_parts()
    upload(parts, 5)
    finished_run(parts)
    assert ask(parts, new_labels) is None
    upload(parts, 5, label="9")
    assert ask(parts, new_labels) is not None


def test_three_predictions_start_a_run_where_the_recipe_says_three(make_parts: Make) -> None:
    parts = make_parts()
    predict(parts, 2)
    assert ask(parts, new_predictions) is None
    predict(parts, 1)
    assert ask(parts, new_predictions) == "3 predictions since the last run (at least 3)"
    finished_run(parts)
    assert ask(parts, new_predictions) is None


def test_nothing_starts_where_the_recipe_names_no_trigger(make_parts: Make) -> None:
    parts = make_parts(tens.RECIPE.split("[triggers]")[0])
    upload(parts, 20)
    predict(parts, 20)
    assert [ask(parts, trigger) for trigger in (new_labels, new_predictions, schedule)] == [None, None, None]


def looked(parts: Parts, expression: str, *, last: datetime | None, at: datetime, since: datetime) -> str | None:
    recipe = msgspec.structs.replace(parts.recipe("tens"), triggers=Triggers(schedule=expression))
    run = None
    if last is not None:
        run = Run(
            id=new_id(), project="tens", status=Status.SUCCEEDED, trigger="hand", actor="", created=last.isoformat()
        )
    with parts.database.read() as connection:
        reading = schedule(Look(recipe, connection, run, at, since))
    return reading.message if reading is not None and reading.due else None


def test_a_slot_fires_once_and_missed_slots_are_one(make_parts: Make) -> None:
    parts = make_parts()
    day = timedelta(days=1)
    told = looked(parts, "0 3 * * *", last=NOON - 3 * day, at=NOON, since=NOON)
    assert told == "the schedule '0 3 * * *' was due at 2026-11-21 03:00 UTC"
    assert looked(parts, "0 3 * * *", last=NOON, at=NOON + timedelta(hours=1), since=NOON) is None
    assert looked(parts, "0 3 * * *", last=NOON, at=NOON + day, since=NOON) is not None


def test_before_the_first_run_slots_count_from_when_somebody_looked(make_parts: Make) -> None:
    parts = make_parts()
    assert (
        looked(parts, "0 * * * *", last=None, at=NOON + timedelta(minutes=5), since=NOON + timedelta(minutes=1)) is None
    )
    assert looked(parts, "0 * * * *", last=None, at=NOON + timedelta(minutes=5), since=NOON - timedelta(minutes=1))


def test_a_slot_has_passed_at_its_own_moment() -> None:
    assert previous("0 12 * * *", NOON) == NOON
    assert previous("0 12 * * *", NOON - timedelta(seconds=2)) == NOON - timedelta(days=1)


@pytest.mark.parametrize("expression", ["daily at noon", "61 * * * *", "* * *"])
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadRecipe, match="is no cron expression"):
        previous(expression, NOON)


def answer(parts: Parts, right: int, wrong: int) -> None:
    """People answer so many predictions, the wrong ones last; each of them is corrected twice."""
    recipe, marks = parts.recipe("tens"), [True] * right + [False] * wrong
    items = list(tens.samples(len(marks)))
    collect(parts.database, parts.blobs, recipe, items, author="ann", source="import")
    for item, mark in zip(items, marks, strict=True):
        label = "1" if mark else "2"
        made = Recorded(
            id=new_id(),
            project="tens",
            version=1,
            answer=Answer(label="1", index=1, confidence=1.0, probabilities=[1.0]),
            at=now(),
        )
        said = [
            Annotation(
                id=new_id(),
                sample=digest_of(item.content),
                label=one,
                author="ann",
                source="feedback",
                at=now(),
                prediction=made.id,
            )
            for one in ("3", label)
        ]
        with parts.database.write() as connection:
            predictions.add_many(connection, [made])
            said_before.add(connection, "tens", said)


QUALITY = tens.RECIPE.split("[triggers]")[0] + "[triggers]\nquality = 0.8\nquality_over = 10\n"


def test_quality_that_fell_starts_a_run_once_there_is_enough_to_judge_by(make_parts: Make) -> None:
    parts = make_parts(QUALITY)
    answer(parts, 0, 9)
    assert ask(parts, quality) is None
    answer(parts, 7, 3)
    assert ask(parts, quality) == "of the last 10 answered predictions 70.0% were right (less than 80.0%)"
    answer(parts, 8, 2)
    assert ask(parts, quality) is None
    answer(parts, 0, 3)
    assert ask(parts, quality) is not None
    finished_run(parts)
    assert ask(parts, quality) is None
