"""Lineage both ways: from a model to every sample that it saw, from a sample to every model that saw it."""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from sqlalchemy import Connection

from sightloop.errors import BadInput, NotFound
from sightloop.store import annotations, datasets, samples, versions
from sightloop.store.blobs import Blobs
from sightloop.values.annotation import Annotation
from sightloop.values.dataset import DatasetVersion, Entry, Manifest
from sightloop.values.sample import Sample, Side
from sightloop.values.version import ModelVersion


class Seen(Struct, frozen=True, kw_only=True):
    """A model that saw a sample: in which dataset version, under which label, and to what end (the sample's side)."""

    model: int
    dataset: int
    label: str
    side: Side


class OfSample(Struct, frozen=True, kw_only=True):
    """A sample's lineage: what people said of it, the dataset versions that hold it, the models that saw it."""

    sample: str
    side: Side
    annotations: tuple[Annotation, ...]
    datasets: tuple[int, ...]
    models: tuple[Seen, ...]


class OfModel(Struct, frozen=True, kw_only=True):
    """A model's lineage: its run, its dataset version, and the samples in it: trained on, validated on, judged by."""

    model: int
    run: str | None
    dataset: int
    counts: dict[str, int]
    samples: tuple[Entry, ...]


def of_model(c: Connection, blobs: Blobs, project: str, number: int) -> OfModel:
    """Every sample that a model saw. Raises NotFound, also for a model that was not trained here."""
    model = versions.get(c, project, number)
    frozen = next((one for one in datasets.list(c, project) if one.manifest == model.card.dataset), None)
    if frozen is None:
        raise NotFound(
            f"model version {number} of {project} was trained on no dataset version of this project",
            got=model.card.dataset or "a package without one",
        )
    entries = Manifest.from_bytes(blobs.get(frozen.manifest)).entries
    return OfModel(model=number, run=model.run, dataset=frozen.number, counts=frozen.counts, samples=entries)


def of_sample(c: Connection, blobs: Blobs, project: str, digest: str) -> OfSample:
    """Every model that saw a sample, newest first; the beginning of a digest will do. Raises NotFound and BadInput."""
    sample = _named(c, project, digest)
    held = dict(_holding(blobs, datasets.list(c, project), sample.digest))
    models = versions.list(c, project)
    return OfSample(
        sample=sample.digest,
        side=sample.side,
        annotations=tuple(annotations.history(c, project, sample.digest)),
        datasets=tuple(version.number for version, _ in held.values()),
        models=tuple(_seen(model, *held[model.card.dataset]) for model in models if model.card.dataset in held),
    )


def _named(c: Connection, project: str, digest: str) -> Sample:
    found = samples.beginning(c, project, digest, most=2)
    if not found:
        raise NotFound(f"{project} has no sample {digest}", hint="A sample is named by the SHA-256 of its content.")
    if len(found) > 1:
        raise BadInput(f"several samples of {project} begin with {digest}", expected="more digits")
    return found[0]


def _holding(
    blobs: Blobs, known: Sequence[DatasetVersion], digest: str
) -> Iterator[tuple[str, tuple[DatasetVersion, Entry]]]:
    for version in known:
        entries = Manifest.from_bytes(blobs.get(version.manifest)).entries
        entry = next((entry for entry in entries if entry.digest == digest), None)
        if entry is not None:
            yield version.manifest, (version, entry)


def _seen(model: ModelVersion, frozen: DatasetVersion, entry: Entry) -> Seen:
    return Seen(model=model.number, dataset=frozen.number, label=entry.label, side=entry.side)
