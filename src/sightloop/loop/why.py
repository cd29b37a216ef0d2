"""Why a model answered: from one prediction to the model, the deployment, the decision, the run and its data."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from sightloop.errors import NotFound
from sightloop.store import datasets, deployments, ledger, predictions, runs, versions
from sightloop.store.predictions import Recorded
from sightloop.values.dataset import DatasetVersion
from sightloop.values.deployment import Deployment
from sightloop.values.ledger import Kind, LedgerEntry
from sightloop.values.run import Run
from sightloop.values.version import ModelVersion


class Model(Struct, frozen=True, kw_only=True):
    """The version that answered: its package, what the gate decided of it, the manifest that it was trained on."""

    number: int
    package: str
    trainer: str
    verdict: str
    reason: str
    at: str
    manifest: str


class Origin(Struct, frozen=True, kw_only=True):
    """The run that a version came from: who or what began it, and when."""

    id: str
    trigger: str
    actor: str
    created: str


class Why(Struct, frozen=True, kw_only=True):
    """Which model answered a request, and why it was serving then.

    `deployment` is the newest revision at that moment that the version was a member of, in force `until` the next one;
    `role` and `share` are the version's in it. `decision` is the gate's, with its numbers, and `ledger` the numbers of
    the ledger's rows that say so.
    """

    prediction: str
    project: str
    at: str
    label: str
    confidence: float
    model: Model
    deployment: Deployment | None
    role: str | None
    share: float | None
    until: str | None
    decision: dict[str, Any] | None
    run: Origin | None
    dataset: DatasetVersion | None
    ledger: list[int]


def explain(c: Connection, id: str) -> Why:
    """The answer for the prediction with this id. Raises NotFound where it was not recorded."""
    found = predictions.get(c, id)
    if found is None:
        raise NotFound(f"there is no prediction {id}", hint="Use the `id` of an answer of /predict.")
    version = versions.get(c, found.project, found.version)
    deployed, until = _in_force(deployments.history(c, found.project), found)
    member = next((one for one in deployed.members if one.version == version.number), None) if deployed else None
    entries = [entry for entry in ledger.page(c, found.project) if _speaks_of(entry, version, deployed)]
    run = None if version.run is None else runs.get(c, version.run)
    return Why(
        prediction=found.id,
        project=found.project,
        at=found.at,
        label=found.answer.label,
        confidence=found.answer.confidence,
        model=_model(version),
        deployment=deployed,
        role=None if member is None else str(member.role),
        share=None if member is None else member.share,
        until=until,
        decision=next((entry.data for entry in entries if entry.kind == Kind.DECISION), None),
        run=None if run is None else Origin(id=run.id, trigger=run.trigger, actor=run.actor, created=run.created),
        dataset=_dataset(c, found.project, run),
        ledger=[entry.seq for entry in entries],
    )


def _in_force(newest_first: list[Deployment], found: Recorded) -> tuple[Deployment | None, str | None]:
    """The deployment that was in force, and when the next one took its place.

    A server takes a revision over within a moment, so one that is newer and without the version is passed over.
    """
    until = None
    for deployed in newest_first:
        if deployed.at <= found.at and any(member.version == found.version for member in deployed.members):
            return deployed, until
        until = deployed.at
    return None, None


def _model(version: ModelVersion) -> Model:
    return Model(
        number=version.number,
        package=version.package,
        trainer=version.card.trainer,
        verdict=str(version.verdict),
        reason=version.reason,
        at=version.at,
        manifest=version.card.dataset,
    )


def _speaks_of(entry: LedgerEntry, version: ModelVersion, deployed: Deployment | None) -> bool:
    if entry.kind in (Kind.DECISION, Kind.REGISTRATION):
        return bool(entry.data.get("number") == version.number)
    return deployed is not None and bool(entry.data.get("revision") == deployed.revision)


def _dataset(c: Connection, project: str, run: Run | None) -> DatasetVersion | None:
    number = None if run is None else run.result.get("dataset")
    return None if number is None else datasets.get(c, project, number)
