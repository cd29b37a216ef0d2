"""Whether a challenger may serve: pure rules over how it and the champion answered the same held-out samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.errors import BadData, BadRecipe
from sightloop.values.recipe import Gate, nearest
from sightloop.values.scores import Scores


@dataclass(frozen=True, eq=False)
class Report:
    """How a package answered: its scores, and for each sample, in a fixed order, whether it was right (N,)."""

    scores: Scores
    right: NDArray[np.bool_]


class Decision(Struct, frozen=True, kw_only=True):
    """What the gate decided, and every rule's finding with its numbers."""

    accepted: bool
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """All findings in one line."""
        return "; ".join(self.reasons)


def decide(gate: Gate, challenger: Report, champion: Report | None) -> Decision:
    """Accept a challenger that is above every floor and, where there is a champion, not worse than it.

    Raises BadRecipe for a floor whose name no score has.
    """
    findings = [_floor(name, least, challenger.scores) for name, least in sorted(gate.floors.items())]
    if champion is None:
        findings.append((True, "no champion to compare with"))
    else:
        findings.append(_paired(challenger.right, champion.right, gate.significance))
    failed = tuple(sentence for held, sentence in findings if not held)
    return Decision(accepted=not failed, reasons=failed or tuple(sentence for _, sentence in findings))


def worse(lost: int, won: int) -> float:
    """How likely an equally good challenger would lose `lost` or more of the samples on which the two models differ.

    `lost` counts samples that only the champion had right, `won` those that only the challenger had right: McNemar's
    test (1947), one-sided, exact by the binomial distribution with p = 1/2.
    """
    differing = lost + won
    term = total = 1  # terms of the upper tail as whole numbers, from C(n, n) down to C(n, lost)
    for taken in range(differing, lost, -1):
        term = term * taken // (differing - taken + 1)
        total += term
    return float(total / (1 << differing))


def _floor(name: str, least: float, scores: Scores) -> tuple[bool, str]:
    numbers = scores.flat()
    if name not in numbers:
        raise BadRecipe(f"gate.floors names {name!r}, which is {nearest(name, tuple(numbers))}")
    got = numbers[name]
    return (True, f"{name} {got:.4f} >= {least:.4f}") if got >= least else (False, f"{name} {got:.4f} < {least:.4f}")


def _paired(challenger: NDArray[np.bool_], champion: NDArray[np.bool_], significance: float) -> tuple[bool, str]:
    if len(challenger) != len(champion):
        raise BadData("the reports are not of the same samples", expected=str(len(champion)), got=str(len(challenger)))
    lost = int((champion & ~challenger).sum())
    won = int((challenger & ~champion).sum())
    p = worse(lost, won)
    told = (
        f"on {len(champion)} held-out samples {won} right that the champion has wrong, {lost} the other way round "
        f"(paired test p = {p:.3g}, significance {significance:g})"
    )
    return (True, f"not worse than the champion: {told}") if p >= significance else (False, f"worse: {told}")
