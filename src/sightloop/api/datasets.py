"""A project's data: dataset versions, what changed between them, which model saw which sample, what is wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from msgspec import Struct
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here
from sightloop.data.archives import Indexed
from sightloop.data.checks import Findings
from sightloop.loop.samples import lineage
from sightloop.loop.samples.lineage import OfSample
from sightloop.store import datasets
from sightloop.values.dataset import DatasetVersion, Difference, Relabelled

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=10_000)]

router = APIRouter(tags=["data"])


class Datasets(Struct, frozen=True, kw_only=True):
    """A project's dataset versions, newest first."""

    datasets: list[DatasetVersion]


class Changes(Struct, frozen=True, kw_only=True):
    """What makes one version of another: how many samples by class, and up to `limit` samples of each kind."""

    old: int
    new: int
    counts: dict[str, int]
    classes: dict[str, dict[str, int]]
    added: list[Indexed]
    removed: list[Indexed]
    relabelled: list[Relabelled]


class SeenByModel(Struct, frozen=True, kw_only=True):
    """The samples that a model saw, by digest; `next` is the cursor for those after them."""

    model: int
    run: str | None
    dataset: int
    counts: dict[str, int]
    samples: list[Indexed]
    next: str | None


@router.get(
    "/v1/{project}/datasets",
    summary="List dataset versions",
    responses=returns(Datasets, "The versions, newest first."),
)
def page(service: Here, project: str) -> Response:
    """All dataset versions of a project: their sides, manifests and archives in DVC."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        return answer(Datasets(datasets=list(datasets.list(connection, project))))


@router.get(
    "/v1/{project}/datasets/{number}",
    summary="Show a dataset version",
    responses=returns(DatasetVersion, "The version."),
)
def get(service: Here, project: str, number: Number) -> Response:
    """One dataset version."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        return answer(datasets.get(connection, project, number))


@router.get(
    "/v1/{project}/datasets/{old}/diff/{new}",
    summary="Compare dataset versions",
    responses=returns(Changes, "What changed."),
)
def diff(service: Here, project: str, old: Number, new: Number, limit: Limit = 1000) -> Response:
    """What was added, removed and relabelled from one version to another."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        before, after = (datasets.manifest(connection, service.blobs, project, number) for number in (old, new))
    found = Difference.between(before, after)
    changes = Changes(
        old=old,
        new=new,
        counts={name: len(getattr(found, name)) for name in ("added", "removed", "relabelled")},
        classes=found.by_class(),
        added=[Indexed.of(entry) for entry in found.added[:limit]],
        removed=[Indexed.of(entry) for entry in found.removed[:limit]],
        relabelled=list(found.relabelled[:limit]),
    )
    return answer(changes)


@router.get(
    "/v1/{project}/models/{number}/lineage",
    summary="List the samples that a model saw",
    responses=returns(SeenByModel, "The samples, by digest."),
)
def of_model(service: Here, project: str, number: Number, after: str = "", limit: Limit = 1000) -> Response:
    """Every sample that a model was trained on, validated on, or judged by (its side says which)."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        found = lineage.of_model(connection, service.blobs, project, number)
    some = [entry for entry in found.samples if entry.digest > after][: limit + 1]
    seen = SeenByModel(
        model=found.model,
        run=found.run,
        dataset=found.dataset,
        counts=found.counts,
        samples=[Indexed.of(entry) for entry in some[:limit]],
        next=some[limit - 1].digest if len(some) > limit else None,
    )
    return answer(seen)


@router.get(
    "/v1/{project}/samples/{digest}/lineage",
    summary="List the models that saw a sample",
    responses=returns(OfSample, "What people said of it, and who saw it."),
)
def of_sample(service: Here, project: str, digest: str) -> Response:
    """Every model that saw a sample, newest first; the beginning of its SHA-256 will do."""
    service.parts.recipe(project)
    with service.database.read() as connection:
        return answer(lineage.of_sample(connection, service.blobs, project, digest))


@router.get(
    "/v1/{project}/check", summary="Check the data", responses=returns(Findings, "What is wrong with the samples.")
)
def check(service: Here, project: str) -> Response:
    """What is wrong with the project's samples: leaking, near duplicates, lopsided classes, and so on.

    Every sample is read, so the first request after a change may take a while; one check runs at a time.
    """
    return answer(service.checker.findings(service.parts.recipe(project)))
