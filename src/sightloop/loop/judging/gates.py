"""Whether a challenger may serve: pure rules over how it and the champion answered the same held-out samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sightloop.errors import BadRecipe
from sightloop.loop.judging.comparison import compare
from sightloop.loop.judging.decision import Decision, Finding
from sightloop.loop.judging.report import Cost, Marks, Report
from sightloop.values.recipe import Gate
from sightloop.values.scores import Scores
from sightloop.values.table import nearest


def decide(
    gate: Gate, challenger: Report, champion: Report | None, slices: Mapping[str, Marks] | None = None
) -> Decision:
    """Accept a challenger that holds every floor and, where there is a champion, is not worse or dearer than it.

    `slices` has, by the names in `gate.slices`, which samples belong to each (N,). Raises BadRecipe for a floor whose
    name no score has.
    """
    findings = [
        *floors(gate, challenger.scores.flat()),
        *_calibration(gate, challenger.scores),
        *_robustness(gate, challenger),
        *_slices(gate, challenger, slices or {}),
    ]
    if champion is None:
        findings.append(Finding(name="paired", held=True, sentence="no champion to compare with"))
    else:
        findings += compare(gate, challenger, champion, slices or {})
        findings += costs(gate, challenger.cost, champion.cost)
    return Decision.of(findings)


def floors(gate: Gate, numbers: Mapping[str, float]) -> Iterator[Finding]:
    """Whether the scores hold the recipe's floors. Raises BadRecipe for a floor whose name no score has."""
    for name, least in sorted(gate.floors.items()):
        if name not in numbers:
            raise BadRecipe(f"gate.floors names {name!r}, which is {nearest(name, tuple(numbers))}")
        yield _at_least(f"floor {name}", name, numbers[name], least)


def _calibration(gate: Gate, scores: Scores) -> Iterator[Finding]:
    if gate.max_ece is not None:
        held = scores.ece <= gate.max_ece
        sentence = f"calibration error {scores.ece:.4f} {'<=' if held else '>'} {gate.max_ece:.4f}"
        yield Finding(
            name="calibration", held=held, numbers={"got": scores.ece, "most": gate.max_ece}, sentence=sentence
        )


def _robustness(gate: Gate, challenger: Report) -> Iterator[Finding]:
    for kind, rule in gate.robustness.rules().items():
        for strength in rule.strengths:
            name = f"{kind} {strength}"
            marks = challenger.changed[name]
            got, plain = float(marks.mean()), float(challenger.right[: len(marks)].mean())
            if rule.least is not None:
                yield _at_least(f"{name} floor", f"accuracy under {name}", got, rule.least)
            if rule.keep is not None:
                told = f"accuracy under {name} (of {plain:.4f}, {100 * rule.keep:g} % to keep)"
                yield _at_least(f"{name} kept", told, got, rule.keep * plain)


def _slices(gate: Gate, challenger: Report, slices: Mapping[str, Marks]) -> Iterator[Finding]:
    for name, rule in sorted(gate.slices.items()):
        inside = slices[name]
        if not inside.any():
            sentence = f"no held-out sample belongs to the slice {name}"
            yield Finding(name=f"slice {name} floor", held=False, numbers={"samples": 0}, sentence=sentence)
        elif rule.least is not None:
            got = float(challenger.right[inside].mean())
            told = f"accuracy on the {int(inside.sum())} samples of the slice {name}"
            yield _at_least(f"slice {name} floor", told, got, rule.least)


def costs(gate: Gate, challenger: Cost | None, champion: Cost | None) -> Iterator[Finding]:
    """Whether the challenger costs no more than the recipe allows, where both were measured."""
    if challenger is None or champion is None:
        return
    for name, unit, most, ours, theirs in (
        (
            "latency",
            "ms (95th percentile, one input)",
            gate.max_latency_ratio,
            challenger.latency_ms,
            champion.latency_ms,
        ),
        ("size", "bytes", gate.max_size_ratio, challenger.size_bytes, champion.size_bytes),
        ("memory", "bytes at most", gate.max_memory_ratio, challenger.memory_bytes, champion.memory_bytes),
    ):
        if most is not None and ours is not None and theirs is not None:
            yield _ratio(name, unit, most, ours, theirs)


def _ratio(name: str, unit: str, most: float, ours: float, theirs: float) -> Finding:
    held = ours <= most * theirs
    numbers = {"got": ours, "champion": theirs, "most": most}
    told = "where the champion's was too small to measure"
    if theirs:
        numbers |= {"ratio": ours / theirs}
        told = f"{ours / theirs:.2f} times the champion's"
    sentence = f"{name}: {ours:.4g} against {theirs:.4g} {unit}, {told} ({most:g} allowed)"
    return Finding(name=name, held=held, numbers=numbers, sentence=sentence)


def _at_least(name: str, told: str, got: float, least: float) -> Finding:
    held = got >= least
    sentence = f"{told} {got:.4f} {'>=' if held else '<'} {least:.4f}"
    return Finding(name=name, held=held, numbers={"got": got, "least": least}, sentence=sentence)
