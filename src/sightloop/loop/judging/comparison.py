"""The challenger against the champion on the same samples: on all of them, by class, by slice, corrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sightloop.errors import BadData
from sightloop.loop.judging.decision import Finding
from sightloop.loop.judging.mcnemar import worse
from sightloop.loop.judging.report import Marks, Report
from sightloop.values.recipe import Gate

Pairs = dict[str, tuple[Marks, Marks, float]]


def compare(gate: Gate, challenger: Report, champion: Report, slices: Mapping[str, Marks]) -> Iterator[Finding]:
    """Every paired comparison. Together they refuse an equally good challenger in `gate.significance` of cases at most.

    Half of that level goes to the comparison on all samples and half, in equal parts, to those of groups (Bonferroni);
    all of it to the first where there are no groups.
    """
    if len(challenger.right) != len(champion.right):
        raise BadData(
            "the reports are not of the same samples",
            expected=str(len(champion.right)),
            got=str(len(challenger.right)),
        )
    groups = {
        **_classes(gate, challenger, champion),
        **_slices(gate, challenger, champion, slices),
        **_changed(gate, challenger, champion),
    }
    yield _overall(gate, challenger.right, champion.right, gate.significance / (2 if groups else 1))
    for name, (ours, theirs, margin) in groups.items():
        yield _group(name, ours, theirs, margin, gate.significance / (2 * len(groups)))


def _classes(gate: Gate, challenger: Report, champion: Report) -> Pairs:
    if gate.class_drop is None:
        return {}
    labels = np.array(champion.labels, dtype=object)
    return {
        f"class {label}": (challenger.right[labels == label], champion.right[labels == label], gate.class_drop)
        for label in sorted(set(champion.labels))
    }


def _slices(gate: Gate, challenger: Report, champion: Report, slices: Mapping[str, Marks]) -> Pairs:
    return {
        f"slice {name}": (challenger.right[slices[name]], champion.right[slices[name]], rule.drop)
        for name, rule in sorted(gate.slices.items())
        if rule.drop is not None
    }


def _changed(gate: Gate, challenger: Report, champion: Report) -> Pairs:
    return {
        f"{kind} {strength}": (
            challenger.changed[f"{kind} {strength}"],
            champion.changed[f"{kind} {strength}"],
            rule.drop,
        )
        for kind, rule in gate.robustness.rules().items()
        if rule.drop is not None
        for strength in rule.strengths
    }


def _overall(gate: Gate, challenger: Marks, champion: Marks, level: float) -> Finding:
    lost, won = _differing(challenger, champion)
    p, p_better = worse(lost, won), worse(won, lost)
    held = p >= level and (not gate.better or p_better <= gate.significance)
    told = (
        f"on {len(champion)} held-out samples {won} right that the champion has wrong, {lost} the other way round "
        f"(paired test p = {p:.3g}, significance {level:g})"
    )
    if gate.better and p >= level:
        told = f"{told[:-1]}; to be better p = {p_better:.3g}, at most {gate.significance:g})"
        verdict = "better than the champion" if held else "not better than the champion"
    else:
        verdict = "not worse than the champion" if held else "worse"
    numbers = {"samples": len(champion), "won": won, "lost": lost, "p": p, "level": level, "p_better": p_better}
    return Finding(name="paired", held=held, numbers=numbers, sentence=f"{verdict}: {told}")


def _group(name: str, challenger: Marks, champion: Marks, margin: float, level: float) -> Finding:
    lost, won = _differing(challenger, champion)
    ours, theirs = (float(marks.mean()) if len(marks) else 0.0 for marks in (challenger, champion))
    p, drop = worse(lost, won), theirs - ours
    held = p >= level or drop <= margin
    numbers = {"samples": len(champion), "got": ours, "champion": theirs, "drop": drop, "most": margin}
    sentence = (
        f"{name}: {ours:.4f} where the champion has {theirs:.4f}, {100 * drop:.1f} points less "
        f"({100 * margin:g} allowed; {len(champion)} samples, paired test p = {p:.3g}, level {level:.3g})"
    )
    return Finding(name=name, held=held, numbers=numbers | {"p": p, "level": level}, sentence=sentence)


def _differing(challenger: Marks, champion: Marks) -> tuple[int, int]:
    return int((champion & ~challenger).sum()), int((challenger & ~champion).sum())
