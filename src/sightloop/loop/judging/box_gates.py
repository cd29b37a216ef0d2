"""Whether a detector may serve: pure rules over how it and the champion answered the same held-out pictures.

The two are compared on pictures drawn by lot, with replacement, a thousand times: the percentile bootstrap (Efron,
1979). Each draw is the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.loop.judging.decision import Decision, Finding
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.judging.gates import costs, floors
from sightloop.tasks import precision
from sightloop.values.recipe import Gate

DRAWS = 1000
_SEED = 17

Draws = NDArray[np.float64]


def decide(gate: Gate, challenger: BoxReport, champion: BoxReport | None) -> Decision:
    """Accept a detector that holds every floor and, where there is a champion, is at least as good and not dearer.

    Raises BadRecipe for a floor whose name no score has, BadData for reports of other pictures.
    """
    findings = [*floors(gate, challenger.scores.flat())]
    if champion is None:
        findings.append(Finding(name="paired", held=True, sentence="no champion to compare with"))
    else:
        findings += _compare(gate, challenger, champion)
        findings += costs(gate, challenger.cost, champion.cost)
    return Decision.of(findings)


def _compare(gate: Gate, challenger: BoxReport, champion: BoxReport) -> Iterator[Finding]:
    pictures = len(challenger.found[0].truths)
    if pictures != len(champion.found[0].truths):
        raise BadData("the reports are not of the same pictures", expected=str(len(champion.found[0].truths)))
    chance = np.random.default_rng(_SEED)
    draws = chance.multinomial(pictures, np.full(pictures, 1 / pictures), size=DRAWS).astype(np.float64)
    yield _overall(gate, challenger, champion, draws)
    shared = [label for label in challenger.classes if label in champion.classes]
    if gate.class_drop is not None:
        for label in shared:
            yield from _class(label, gate.class_drop, gate.significance / len(shared), challenger, champion, draws)


def _overall(gate: Gate, challenger: BoxReport, champion: BoxReport, draws: Draws) -> Finding:
    ours, theirs = challenger.scores.map, champion.scores.map
    each = np.array(
        [precision.mean(challenger.found, drawn)[1] - precision.mean(champion.found, drawn)[1] for drawn in draws]
    )
    low, high = interval(each, gate.significance)
    held = low > 0 if gate.better else ours >= theirs
    verdict = ("better" if held else "not better by more than chance") if gate.better else ("kept" if held else "worse")
    verdict = "not worse than the champion" if verdict == "kept" else f"{verdict} than the champion"
    sentence = (
        f"{verdict}: mAP {ours:.4f} where the champion has {theirs:.4f} on the same {draws.shape[1]} pictures "
        f"(difference {ours - theirs:+.4f}, {100 * (1 - gate.significance):g} % interval {low:+.4f} to {high:+.4f})"
    )
    numbers = {"samples": draws.shape[1], "got": ours, "champion": theirs, "low": low, "high": high}
    return Finding(name="paired", held=held, numbers=numbers | {"level": gate.significance}, sentence=sentence)


def _class(
    label: str, margin: float, level: float, challenger: BoxReport, champion: BoxReport, draws: Draws
) -> Iterator[Finding]:
    """A class may lose more than the margin only where that may well be chance."""
    ours, theirs = (one.found[one.classes.index(label)] for one in (challenger, champion))
    if not theirs.truths.any():
        return
    got, had = (float(precision.average(one)[0]) for one in (ours, theirs))
    each = np.array([precision.average(ours, drawn)[0] - precision.average(theirs, drawn)[0] for drawn in draws])
    low, high = interval(each[~np.isnan(each)], level)
    drop = had - got
    sentence = (
        f"class {label}: average precision (50 % overlap) {got:.4f} where the champion has {had:.4f}, "
        f"{100 * drop:.1f} points less ({100 * margin:g} allowed; {int(theirs.truths.sum())} boxes, "
        f"{100 * (1 - level):.4g} % interval of the difference {low:+.4f} to {high:+.4f})"
    )
    numbers = {"samples": float(theirs.truths.sum()), "got": got, "champion": had, "drop": drop, "most": margin}
    yield Finding(
        name=f"class {label}",
        held=drop <= margin or high >= 0,
        numbers=numbers | {"low": low, "high": high, "level": level},
        sentence=sentence,
    )


def interval(differences: Draws, level: float) -> tuple[float, float]:
    """The middle of the draws, without `level` of them: as much on either side."""
    low, high = np.percentile(differences, [50 * level, 100 - 50 * level])
    return float(low), float(high)
