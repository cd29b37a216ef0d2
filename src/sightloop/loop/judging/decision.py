"""What the gate decided, with every finding and its numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """What one rule found: whether it held, the numbers that it looked at, and a sentence for people."""

    name: str
    held: bool
    numbers: dict[str, float] = {}
    sentence: str


class Decision(Struct, frozen=True, kw_only=True):
    """Accepted, or refused for the findings that did not hold; `reasons` are their sentences, or all if all held."""

    accepted: bool
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """The decision that follows from the findings: one that does not hold refuses."""
        found = tuple(findings)
        failed = tuple(finding.sentence for finding in found if not finding.held)
        told = failed or tuple(finding.sentence for finding in found)
        return cls(accepted=not failed, reasons=told, findings=found)

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)
