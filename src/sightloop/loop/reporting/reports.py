"""What a run leaves for people: its report, as a file in its folder and as a blob."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.loop.job import Job
from sightloop.loop.judging.decision import Decision
from sightloop.loop.reporting.page import Evaluated, render
from sightloop.values.dataset import Manifest
from sightloop.values.package import Package
from sightloop.values.sample import Side
from sightloop.values.scores import DetectionScores, Scores

FILE = "report.html"


def leave(job: Job, found: Mapping[str, Any], card: Package, version: int) -> str | None:
    """Draw the report of a run that judged this version; the name of its blob.

    A report is for people: one that cannot be drawn is told of in the run's log and costs nobody a model.
    """
    scores = card.scores or card.detection
    if scores is None:
        return None
    try:
        html = render(_evaluated(job, found, card, scores, version), job.blobs).encode()
    except Exception as error:  # what draws it raises every kind
        job.log(f"no report was drawn: {type(error).__name__}: {error}")
        return None
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / FILE).write_bytes(html)
    return job.blobs.put(html)


def packed(answers: NDArray[np.float32]) -> bytes:
    """A table of answers as the bytes of an `.npy` file, for the step that draws the report."""
    file = io.BytesIO()
    np.save(file, answers, allow_pickle=False)
    return file.getvalue()


def _evaluated(
    job: Job, found: Mapping[str, Any], card: Package, scores: Scores | DetectionScores, version: int
) -> Evaluated:
    manifest = Manifest.from_bytes(job.blobs.get(found["manifest"]))
    facts = {
        "Run": f"{job.run.id}, by {job.run.trigger} ({job.run.actor})",
        "Dataset": f"version {found['dataset']} of {job.recipe.name}",
        "Package": found["package"],
        "Compared with": f"version {found['champion']}, the champion" if found["champion"] else "",
        "Seconds": ", ".join(f"{name} {value:.1f}" for name, value in found["seconds"].items()),
    }
    return Evaluated(
        name=f"version {version}",
        card=card,
        scores=scores,
        answers=_unpacked(job, found, "answers"),
        boxes=_unpacked(job, found, "boxes"),
        entries=manifest.on(Side.TEST),
        data=manifest,
        facts=facts,
        curves=found["curves"],
        decision=msgspec.convert(found["decision"], Decision),
        rival=found["champion_scores"] or {},
    )


def _unpacked(job: Job, found: Mapping[str, Any], name: str) -> NDArray[np.float32] | None:
    if name not in found:
        return None
    table: NDArray[np.float32] = np.load(io.BytesIO(job.blobs.get(found[name])), allow_pickle=False)
    return table
