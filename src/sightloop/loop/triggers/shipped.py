"""The triggers that ship; a person's own come in as entry points of the group `sightloop.triggers`."""

from __future__ import annotations

from datetime import UTC, datetime

from sightloop.errors import BadRecipe
from sightloop.loop.triggers.trigger import Look, Reading
from sightloop.store import annotations as labels
from sightloop.store import predictions


def new_labels(look: Look) -> Reading | None:
    """Begin when people labelled so many samples, by upload or correction, since the last run began."""
    wanted = look.recipe.triggers.labels
    if not wanted:
        return None
    got = labels.count_since(look.connection, look.recipe.name, look.moment, ("upload", "feedback"))
    return _counted(got, wanted, f"{got} samples were labelled since the last run")


def new_predictions(look: Look) -> Reading | None:
    """Begin when so many predictions were recorded since the last run began."""
    wanted = look.recipe.triggers.predictions
    if not wanted:
        return None
    got = predictions.count_since(look.connection, look.recipe.name, look.moment)
    return _counted(got, wanted, f"{got} predictions since the last run")


def quality(look: Look) -> Reading | None:
    """Begin when, of the last predictions that people answered since the last run began, too few were right.

    It waits for as many as `triggers.quality_over` says, so that a few wrong ones start nothing.
    """
    least, over = look.recipe.triggers.quality, look.recipe.triggers.quality_over
    if not least:
        return None
    judged = labels.judged(look.connection, look.recipe.name, look.moment, over)
    if len(judged) < over:
        told = f"{len(judged)} predictions were answered since the last run (at least {over} to judge by)"
        return Reading(due=False, message=told, present=float(len(judged)), level=float(over))
    share = sum(judged) / over
    due = share < least
    beside = "less than" if due else "at least"
    told = f"of the last {over} answered predictions {share:.1%} were right ({beside} {least:.1%})"
    return Reading(due=due, message=told, present=share, level=least, weighed=False)


def schedule(look: Look) -> Reading | None:
    """Begin once for each slot of the cron expression (UTC) that has passed; slots missed while nobody looked are one.

    A slot counts as served by any run that began after it. Before a project's first run, slots count from the moment
    that a worker began to look.
    """
    expression = look.recipe.triggers.schedule
    if not expression:
        return None
    slot = previous(expression, look.now)
    before = look.since if look.last is None else datetime.fromisoformat(look.last.created)
    due = slot > before
    told = "was due at" if due else "was served; its last slot was"
    return Reading(due=due, message=f"the schedule {expression!r} {told} {slot:%Y-%m-%d %H:%M} UTC")


def previous(expression: str, now: datetime) -> datetime:
    """The last moment up to now that the cron expression names. Raises BadRecipe for an expression that is none."""
    from croniter import CroniterError, croniter

    try:
        # A second later, so that a slot counts as passed at its own moment.
        slot: float = croniter(expression, now.timestamp() + 1).get_prev(float)
    except (CroniterError, ValueError, TypeError) as error:
        raise BadRecipe(
            f"triggers.schedule {expression!r} is no cron expression: {error}", expected="five fields, like 0 3 * * *"
        ) from error
    return datetime.fromtimestamp(slot, UTC)


def _counted(got: int, wanted: int, told: str) -> Reading:
    return Reading(due=got >= wanted, message=f"{told} (at least {wanted})", present=float(got), level=float(wanted))
