"""Whether a run is worth its cost: the training time that triggers may spend, and the gain that may be expected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct

from sightloop.loop.triggers.trigger import Look
from sightloop.store import annotations as labels
from sightloop.store import runs
from sightloop.values.run import Run

_LAST_RUNS = 200
_FROM_NOTHING = 0.5
"""The exponent of the learning curve that is assumed until there are runs to fit one to: error as 1 over root n."""
_SIZES = 3


class Gain(Struct, frozen=True, kw_only=True):
    """What a run may be expected to gain in accuracy, from how many labels to how many, and the curve's exponent."""

    points: float
    before: int
    after: int
    exponent: float
    fitted: bool


def refuses(look: Look, *, weigh_gain: bool) -> str:
    """Why no run is worth it now; empty where it is, or the recipe sets no bounds."""
    wanted = look.recipe.triggers
    if not (wanted.budget_minutes or wanted.least_gain):
        return ""
    past = runs.page(look.connection, look.recipe.name, limit=_LAST_RUNS)
    if wanted.budget_minutes:
        told = _over_budget(look, past)
        if told:
            return told
    gain = expected(look, past) if wanted.least_gain and weigh_gain else None
    if gain is None or gain.points >= wanted.least_gain:
        return ""
    source = "the runs before" if gain.fitted else "an error that falls as 1 over the root of the labels"
    return (
        f"{gain.after - gain.before} labels more than the {gain.before} of the last run let {gain.points:.2%} of "
        f"accuracy be expected (by {source}), and {wanted.least_gain:.2%} is the least"
    )


def expected(look: Look, past: Sequence[Run]) -> Gain | None:
    """What one more run may gain by the learning curve, error = c * n ** -b; None before the first run that was scored.

    `b` is fitted by least squares on the logarithms where runs of three or more sizes show an error that falls, else it
    is 0.5. A label that a person changed counts as a new one.
    """
    scored = [(sum(run.result["counts"].values()), _quality(run.result["scores"])) for run in past if _scored(run)]
    if not scored:
        return None
    before, accuracy = scored[0]
    said = labels.count_since(look.connection, look.recipe.name, look.moment, ("upload", "feedback"))
    after = before + said
    fitted = _exponent(scored)
    exponent = _FROM_NOTHING if fitted is None else fitted
    points = (1 - accuracy) * (1 - (before / after) ** exponent)
    return Gain(points=points, before=before, after=after, exponent=exponent, fitted=fitted is not None)


def _over_budget(look: Look, past: Sequence[Run]) -> str:
    wanted = look.recipe.triggers
    since = look.now - timedelta(days=wanted.budget_days)
    triggered = [run for run in past if run.actor == "trigger" and datetime.fromisoformat(run.created) > since]
    spent = sum(_minutes(run) for run in triggered)
    following = next((_minutes(run) for run in past if _scored(run)), 0.0)
    if spent + following <= wanted.budget_minutes:
        return ""
    return (
        f"triggers' runs took {spent:.1f} minutes in {wanted.budget_days:g} days, the next may take {following:.1f}, "
        f"and the budget is {wanted.budget_minutes:g}"
    )


def _exponent(scored: Sequence[tuple[int, float]]) -> float | None:
    """How fast the error fell with the labels, where that can be told."""
    points = {size: 1 - accuracy for size, accuracy in reversed(scored) if accuracy < 1}
    if len(points) < _SIZES:
        return None
    slope = float(np.polyfit([math.log(size) for size in points], [math.log(error) for error in points.values()], 1)[0])
    return min(-slope, 1.0) if slope < 0 else None


def _quality(scores: dict[str, float]) -> float:
    """The share that was right: a classifier's accuracy, a detector's mean average precision."""
    return scores["accuracy"] if "accuracy" in scores else scores["map50"]


def _scored(run: Run) -> bool:
    return "scores" in run.result and "counts" in run.result


def _minutes(run: Run) -> float:
    if run.started is None or run.finished is None:
        return 0.0
    return (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds() / 60
