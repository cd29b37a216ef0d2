"""Dataset versions: a project's labelled samples, frozen under a number; the manifest itself is a blob."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from sightloop.errors import BadData, NotFound
from sightloop.store import locks, tables
from sightloop.store.annotations import newest
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.rows import value
from sightloop.store.tables import dataset_versions, samples
from sightloop.values.box import Box
from sightloop.values.dataset import DatasetVersion, Entry, Manifest
from sightloop.values.moment import now
from sightloop.values.sample import Place, Side


def freeze(database: Database, blobs: Blobs, project: str, classes: Sequence[str]) -> DatasetVersion:
    """Fix the samples and what counts of them now; the same content is the same version and is returned again.

    A sample whose label is none of the classes is left out, and so is a box; a picture without a box stays. Raises
    BadData where nothing is labelled or a class has no sample to train on.
    """
    with database.read() as connection:
        manifest = present(connection, project, classes)
    _check(manifest)
    digest = blobs.put(manifest.to_bytes())  # before the transaction: nobody may wait for a bucket to write a row
    with database.write() as connection:
        return _numbered(connection, manifest, digest)


def present(c: Connection, project: str, classes: Sequence[str]) -> Manifest:
    """What a version that is frozen now consists of; it may lack classes and sides, or be empty."""
    return Manifest(project=project, classes=tuple(classes), entries=_entries(c, project, classes))


def get(c: Connection, project: str, number: int) -> DatasetVersion:
    """The version with this number. Raises NotFound."""
    table = dataset_versions.c
    row = (
        c.execute(select(dataset_versions).where(table.project == project, table.number == number))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound(f"{project} has no dataset version {number}")
    return value(row, DatasetVersion)


def manifest(c: Connection, blobs: Blobs, project: str, number: int) -> Manifest:
    """What the version consists of. Raises NotFound, and BadData where the manifest was altered."""
    return Manifest.from_bytes(blobs.get(get(c, project, number).manifest))


def keep_archive(c: Connection, project: str, number: int, archive: str) -> DatasetVersion:
    """Note under which MD5 DVC has the version's packed content; the version with it. Raises NotFound."""
    table = dataset_versions.c
    c.execute(update(dataset_versions).where(table.project == project, table.number == number).values(archive=archive))
    return get(c, project, number)


def check(blobs: Blobs, version: DatasetVersion) -> None:
    """Read a version's manifest, and see that what it names is there.

    Raises NotFound and BadData where the manifest, or a blob with its samples, is missing or not as it was frozen.
    """
    found = Manifest.from_bytes(blobs.get(version.manifest))
    counts = {side.value: len(found.on(side)) for side in Side}
    if found.project != version.project or counts != version.counts:
        raise BadData(
            f"dataset version {version.number} of {version.project} is not the one that its manifest describes",
            expected=f"{found.project}, {counts}",
            got=f"{version.project}, {version.counts}",
        )
    for blob in {entry.place.blob for entry in found.entries}:
        if not blobs.exists(blob):
            raise NotFound(f"blob {blob}, with samples of the version, is not in the store")


def list(c: Connection, project: str) -> Sequence[DatasetVersion]:
    """All versions of a project, newest first."""
    table = dataset_versions.c
    query = select(dataset_versions).where(table.project == project).order_by(table.number.desc())
    return [value(row, DatasetVersion) for row in c.execute(query).mappings()]


def _numbered(c: Connection, manifest: Manifest, digest: str) -> DatasetVersion:
    """The version that this manifest is, with the next number where it is new."""
    project, table = manifest.project, dataset_versions.c
    locks.take(c, "dataset_versions", project)
    frozen = (
        c.execute(select(dataset_versions).where(table.project == project, table.manifest == digest))
        .mappings()
        .one_or_none()
    )
    if frozen is not None:
        return value(frozen, DatasetVersion)
    last = c.execute(select(func.max(table.number)).where(table.project == project)).scalar_one() or 0
    counts = {side.value: len(manifest.on(side)) for side in Side}
    version = DatasetVersion(project=project, number=last + 1, manifest=digest, counts=counts, at=now())
    c.execute(insert(dataset_versions).values(msgspec.to_builtins(version)))
    return version


def _entries(c: Connection, project: str, classes: Sequence[str]) -> tuple[Entry, ...]:
    last, said, sample = newest(project), tables.annotations.c, samples.c
    query = (
        select(sample.digest, said.label, sample.side, sample.blob, sample.offset, sample.length, said.boxes)
        .join(samples, (sample.project == said.project) & (sample.digest == said.sample))
        .join(last, said.id == last.c.id)
        .where(said.label.in_(classes) | said.boxes.is_not(None))
    )
    found = (
        Entry(
            digest=digest,
            label=label,
            side=Side(side),
            place=Place(blob, offset, length),
            boxes=None if boxes is None else _known(boxes, classes),
        )
        for digest, label, side, blob, offset, length, boxes in c.execute(query)
    )
    # Sorted here: databases differ in how they order texts.
    return tuple(sorted(found, key=lambda entry: entry.digest))


def _known(boxes: Any, classes: Sequence[str]) -> tuple[Box, ...]:
    return tuple(box for box in msgspec.convert(boxes, tuple[Box, ...]) if box.label in classes)


def _check(manifest: Manifest) -> None:
    if not manifest.entries:
        raise BadData(f"{manifest.project} has no labelled samples", hint="Import or upload some first.")
    trained = {label for entry in manifest.on(Side.TRAIN) for label in entry.labels}
    bare = [label for label in manifest.classes if label not in trained]
    if bare:
        raise BadData(
            f"{manifest.project} has no training sample of {', '.join(bare)}",
            expected="at least one of each class",
            hint="Upload labelled samples of these classes.",
        )
