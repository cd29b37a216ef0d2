"""The judgement of a challenger: measures what the recipe's gate asks for, then lets the rules decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import Cancelled
from sightloop.loop.judging import box_gates, cost, detecting, gates, robustness
from sightloop.loop.judging.decision import Decision
from sightloop.loop.judging.detecting import BoxReport
from sightloop.loop.judging.evaluation import evaluate
from sightloop.loop.judging.report import Cost, Marks, Report
from sightloop.loop.samples.arrays import chunks
from sightloop.store import packages
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.package import Sealed
from sightloop.values.recipe import Gate

Judged = tuple[Report, Report | None, Decision] | tuple[BoxReport, BoxReport | None, Decision]

_TIMED = 32  # inputs that latency is measured on


@dataclass(frozen=True)
class Judge:
    """Judges by one gate on these held-out entries; `origins` says where each sample came from, by its digest.

    Packages answer with the `runtime` that would serve them. `cancelled` is asked before each measurement, and while
    memory is measured, which is done in a process of its own.
    """

    gate: Gate
    entries: Sequence[Entry]
    blobs: Blobs
    blobs_url: str
    origins: Mapping[str, str]
    runtime: str = "onnx"
    threads: int = 0
    cancelled: Callable[[], bool] = lambda: False

    def judge(self, challenger: str, champion: str | None) -> Judged:
        """Both reports and the decision, for packages named by their digests in the blob store. Raises Cancelled."""
        names = [challenger] if champion is None else [challenger, champion]
        found = {name: packages.load(self.blobs, name) for name in names}
        costs = self._costs(found) if champion is not None and self._measures_cost() else {}
        if plugins.load("tasks", found[challenger].card.task).boxed:
            boxed = {name: replace(self._boxes(package), cost=costs.get(name)) for name, package in found.items()}
            ours, theirs = boxed[challenger], None if champion is None else boxed[champion]
            return ours, theirs, box_gates.decide(self.gate, ours, theirs)
        reports = {name: replace(self._report(package), cost=costs.get(name)) for name, package in found.items()}
        rival = None if champion is None else reports[champion]
        return reports[challenger], rival, gates.decide(self.gate, reports[challenger], rival, self._slices())

    @property
    def _how(self) -> dict[str, Any]:
        return {"runtime": self.runtime, "threads": self.threads}

    def _boxes(self, package: Sealed) -> BoxReport:
        self._heed()
        return detecting.evaluate(package, self.entries, self.blobs, **self._how)

    def _report(self, package: Sealed) -> Report:
        self._heed()
        plain = evaluate(package, self.entries, self.blobs, **self._how)
        self._heed()
        changed = robustness.measure(package, self.entries, self.blobs, self.gate.robustness, **self._how)
        return replace(plain, changed=changed)

    def _heed(self) -> None:
        if self.cancelled():
            raise Cancelled("the run was cancelled")

    def _measures_cost(self) -> bool:
        gate = self.gate
        return any(most is not None for most in (gate.max_latency_ratio, gate.max_size_ratio, gate.max_memory_ratio))

    def _costs(self, found: Mapping[str, Sealed]) -> dict[str, Cost]:
        timed: Sequence[float | None] = [None] * len(found)
        if self.gate.max_latency_ratio is not None:
            candidates = [(package, self._inputs(package)) for package in found.values()]
            timed = cost.latencies(candidates, **self._how)
        return {
            name: Cost(latency_ms=ms, size_bytes=cost.size(package), memory_bytes=self._memory(name))
            for (name, package), ms in zip(found.items(), timed, strict=True)
        }

    def _memory(self, name: str) -> int | None:
        if self.gate.max_memory_ratio is None:
            return None
        payload = {"blobs": self.blobs_url, "package": name} | self._how
        told: dict[str, Any] = plugins.load("compute", "local").run(
            "sightloop.loop.judging.footprint:measure",
            payload,
            environment={},  # all that it needs is in the payload
            listener=lambda _event: None,
            cancelled=self.cancelled,
        )
        return int(told["bytes"])

    def _inputs(self, package: Sealed) -> NDArray[Any]:
        card = package.card
        return next(chunks(self.blobs, self.entries[:_TIMED], task=card.task, spec=card.input))[1]

    def _slices(self) -> dict[str, Marks]:
        return {
            name: np.array([fnmatchcase(self.origins.get(entry.digest, ""), rule.origin) for entry in self.entries])
            for name, rule in self.gate.slices.items()
        }


def told(decision: Decision, report: Report | BoxReport, rival: Report | BoxReport | None) -> dict[str, Any]:
    """What a run keeps of a judgement, as plain values."""
    return {
        "scores": report.scores.flat() | {"samples": report.scores.samples},
        "champion_scores": None if rival is None else rival.scores.flat(),
        "decision": msgspec.to_builtins(decision),
    }
