"""The reports of runs: an HTML page each, as a blob that the run's result names."""

from __future__ import annotations

from sightloop.errors import NotFound
from sightloop.store.blobs import Blobs
from sightloop.values.run import Run


def of_run(blobs: Blobs, run: Run) -> bytes:
    """The run's page. Raises NotFound where it has none (yet), and BadData where it was altered."""
    name = run.result.get("report")
    if not name:
        raise NotFound(
            f"run {run.id} has no report",
            got=f"{run.status} {run.step}".strip(),
            hint="It is drawn when a run registers its model.",
        )
    return blobs.get(name)
