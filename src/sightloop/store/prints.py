"""Prints of a project's pictures, by which a new sample finds its near duplicates."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from sightloop.store.rows import insert_new
from sightloop.store.tables import prints, samples
from sightloop.values.sample import Side


def add(c: Connection, project: str, new: Mapping[str, str]) -> None:
    """Add prints, by the digests of samples that the project has."""
    insert_new(c, prints, [{"project": project, "sample": digest, "print": print} for digest, print in new.items()])


def sided(c: Connection, project: str) -> list[tuple[str, Side]]:
    """All prints of a project with the sides of their samples, ordered by sample."""
    same = (samples.c.project == prints.c.project) & (samples.c.digest == prints.c.sample)
    query = select(prints.c.print, samples.c.side).join(samples, same).where(prints.c.project == project)
    return [(print, Side(side)) for print, side in c.execute(query.order_by(prints.c.sample))]
