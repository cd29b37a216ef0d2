"""How a package answers held-out samples that were made harder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightloop import plugins
from sightloop.loop.judging.evaluation import answer
from sightloop.loop.judging.report import Marks
from sightloop.loop.samples.arrays import chunks, targets
from sightloop.store.blobs import Blobs
from sightloop.tasks.corruptions import corrupt, corrupt_between_bars
from sightloop.values.dataset import Entry
from sightloop.values.package import Sealed
from sightloop.values.recipe import Robustness

MOST = 1000
"""So many samples are corrupted at most: the first by digest, which is as good as by lot."""


def measure(
    package: Sealed,
    entries: Sequence[Entry],
    blobs: Blobs,
    wanted: Robustness,
    *,
    runtime: str = "onnx",
    threads: int = 0,
) -> dict[str, Marks]:
    """Whether each of the first entries is answered rightly, by kind and strength as in `blur 2`.

    A sample is corrupted in the same way for every package: the randomness is that of its digest.
    """
    pairs = [(kind, strength) for kind, rule in wanted.rules().items() for strength in rule.strengths]
    few, card = entries[:MOST], package.card
    right = {f"{kind} {strength}": np.zeros(len(few), bool) for kind, strength in pairs}
    if not pairs:
        return right
    truth = targets(few, card.classes)
    session = plugins.load("runtimes", runtime).open(package, threads=threads)
    change = corrupt_between_bars if card.input.fit == "pad" else corrupt
    for rows, prepared in chunks(blobs, few, task=card.task, spec=card.input):
        seeds = [int(few[row].digest[:16], 16) for row in rows]
        for kind, strength in pairs:
            harder = np.stack(
                [change(sample, kind, strength, seed) for sample, seed in zip(prepared, seeds, strict=True)]
            )
            right[f"{kind} {strength}"][rows] = answer(session, harder).argmax(axis=1) == truth[rows]
    return right
