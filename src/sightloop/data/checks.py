"""Finds what is wrong with labelled data before a model is trained on it. Pure: it reads what it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from sightloop import plugins
from sightloop.data import prints
from sightloop.data.splits import side_of
from sightloop.errors import BadInput
from sightloop.values.box import described
from sightloop.values.image import MAX_PIXELS
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, Side, digest_of

LOPSIDED = 10.0
"""How many times as many samples the largest class may have as the smallest."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: its kind, a sentence, and the samples (their origins) that it is about."""

    kind: str
    message: str
    samples: tuple[str, ...] = ()


class Findings(Struct, frozen=True, kw_only=True):
    """All that was found, with how many samples there are of each class and on each side."""

    samples: int
    classes: dict[str, int]
    sides: dict[str, int]
    findings: tuple[Finding, ...]

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]


def check(recipe: Recipe, items: Iterable[Labelled], *, max_pixels: int = MAX_PIXELS) -> Findings:
    """Look for broken, doubled, near, contradicting, leaking, lopsided and unknown data.

    broken: the task cannot prepare it. unknown: its label is no class. doubled: the same content more than once.
    contradicting: with different labels. leaking: on different sides. near: pictures that are nearly the same, and
    near-leaking: on different sides. lopsided: a side or class without samples, or a
    class with less than a tenth of the largest class's.
    """
    prepare = plugins.load("tasks", recipe.task).prepare
    findings: list[Finding] = []
    by_content: dict[str, list[tuple[str, Side, str]]] = {}
    carried: dict[str, tuple[str, ...]] = {}
    printed: dict[str, str] = {}
    pinned: set[str] = set()
    for item in items:
        labels = [item.label] if item.boxes is None else [box.label for box in item.boxes]
        unknown = [label for label in labels if recipe.label(label) is None]
        if unknown:
            findings.append(Finding(kind="unknown", message=f"no class {unknown[0]!r}", samples=(item.origin,)))
            continue
        known = tuple(str(recipe.label(label)) for label in labels)
        try:
            prepare(item.content, recipe.input, max_pixels=max_pixels)
        except BadInput as error:
            findings.append(Finding(kind="broken", message=str(error), samples=(item.origin,)))
            continue
        digest = digest_of(item.content)
        if digest not in by_content and (print := prints.of(item.content)):
            printed[digest] = print
        if item.side is not None:
            pinned.add(digest)
        said = known[0] if item.boxes is None else described(item.boxes)
        carried.setdefault(digest, known)
        by_content.setdefault(digest, []).append((said, item.side or side_of(digest, recipe.split), item.origin))
    for same in by_content.values():
        findings += _doubled(same)
    findings += _near(printed, by_content, pinned)
    classes = dict.fromkeys(recipe.classes, 0) | Counter(label for labels in carried.values() for label in labels)
    sides = {str(side): 0 for side in Side} | Counter(str(same[0][1]) for same in by_content.values())
    findings += _lopsided(classes) + _bare(sides)
    return Findings(samples=len(by_content), classes=classes, sides=sides, findings=tuple(findings))


def _doubled(same: list[tuple[str, Side, str]]) -> list[Finding]:
    """What is wrong with items of one content."""
    if len(same) == 1:
        return []
    labels, sides, origins = (tuple(dict.fromkeys(part)) for part in zip(*same, strict=True))
    findings = []
    if len(labels) > 1:
        message = f"the same content is labelled {' and '.join(map(str, labels))}"
        findings.append(Finding(kind="contradicting", message=message, samples=origins))
    if len(sides) > 1:
        message = f"the same content is on {' and '.join(map(str, sides))}"
        findings.append(Finding(kind="leaking", message=message, samples=origins))
    if not findings:
        message = f"the same content {len(same)} times"
        findings.append(Finding(kind="doubled", message=message, samples=origins))
    return findings


def _near(
    printed: dict[str, str], by_content: dict[str, list[tuple[str, Side, str]]], pinned: set[str]
) -> list[Finding]:
    """Near duplicates; those whose sides are not fixed yet will be put on one side when they are taken in."""
    digests, findings = list(printed), []
    for pair in prints.pairs(prints.words(list(printed.values()))):
        (label, side, origin), (other_label, other_side, other_origin) = (by_content[digests[row]][0] for row in pair)
        leaking = side != other_side and pinned.issuperset(digests[row] for row in pair)
        message = f"nearly the same picture: {label} and {other_label}"
        message += f", on {side} and {other_side}" if leaking else ""
        kind = "near-leaking" if leaking else "near"
        findings.append(Finding(kind=kind, message=message, samples=(origin, other_origin)))
    return findings


def _lopsided(classes: dict[str, int]) -> list[Finding]:
    largest = max(classes.values())
    return [
        Finding(kind="lopsided", message=f"{label} has {count} samples, the largest class {largest}")
        for label, count in classes.items()
        if count * LOPSIDED < largest or not count
    ]


def _bare(sides: dict[str, int]) -> list[Finding]:
    return [
        Finding(kind="lopsided", message=f"no sample is on the {side} side")
        for side, count in sides.items()
        if not count
    ]
