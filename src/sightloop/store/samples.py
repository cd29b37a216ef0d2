"""Samples: which contents a project has, which side each is on, and where its bytes lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, RowMapping, func, select

from sightloop.store.rows import insert_and_tell
from sightloop.store.tables import samples
from sightloop.values.moment import now
from sightloop.values.sample import Place, Sample, Side

_AT_ONCE = 10_000  # digests in one query; both databases take at least 32,766 values


class NewSample(Sample, frozen=True, kw_only=True):
    """A sample on its way in, with a word on where it came from."""

    origin: str = ""


def add(c: Connection, project: str, new: Sequence[NewSample]) -> set[str]:
    """Add samples; the digests of those that the project did not have. A known one keeps its side and its place."""
    at = now()
    rows = [
        {
            "project": project,
            "digest": sample.digest,
            "side": sample.side.value,
            "blob": sample.place.blob,
            "offset": sample.place.offset,
            "length": sample.place.length,
            "origin": sample.origin,
            "at": at,
        }
        for sample in new
    ]
    return insert_and_tell(c, samples, rows, samples.c.digest)


def get(c: Connection, project: str, digest: str) -> Sample | None:
    """The sample of this content, if the project has it."""
    query = select(samples).where(samples.c.project == project, samples.c.digest == digest)
    row = c.execute(query).mappings().one_or_none()
    return None if row is None else _sample(row)


def beginning(c: Connection, project: str, digits: str, *, most: int) -> list[Sample]:
    """The samples whose digest begins with these digits, at most so many, in the order of their digests."""
    wanted = samples.c.digest.startswith(digits, autoescape=True)
    query = select(samples).where(samples.c.project == project, wanted).order_by(samples.c.digest).limit(most)
    return [_sample(row) for row in c.execute(query).mappings()]


def known(c: Connection, project: str, digests: Iterable[str]) -> set[str]:
    """Those of the digests that the project has."""
    return set(sides(c, project, digests))


def sides(c: Connection, project: str, digests: Iterable[str]) -> dict[str, Side]:
    """The sides of those of the samples that the project has."""
    wanted, found = list(digests), dict[str, Side]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        query = select(samples.c.digest, samples.c.side).where(samples.c.project == project, samples.c.digest.in_(some))
        found |= {row.digest: Side(row.side) for row in c.execute(query)}
    return found


def count(c: Connection, project: str) -> dict[str, int]:
    """How many samples each side has; every side is named."""
    query = select(samples.c.side, func.count().label("number")).where(samples.c.project == project)
    found = {row.side: row.number for row in c.execute(query.group_by(samples.c.side))}
    return {side.value: found.get(side.value, 0) for side in Side}


def origins(c: Connection, project: str, side: Side) -> dict[str, str]:
    """Where each sample of a side came from, by its digest."""
    query = select(samples.c.digest, samples.c.origin).where(samples.c.project == project, samples.c.side == side.value)
    return {row.digest: row.origin for row in c.execute(query)}


def _sample(row: RowMapping) -> Sample:
    place = Place(row["blob"], row["offset"], row["length"])
    return Sample(digest=row["digest"], side=Side(row["side"]), place=place)
