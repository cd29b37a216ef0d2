"""What counts of what people said, all of it, as tests ask for it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from sightloop.store import annotations as said
from sightloop.store import tables


def counting(connection: Connection, project: str) -> dict[str, str]:
    """The label that counts of each sample of a project, by its digest."""
    digests = connection.execute(select(tables.samples.c.digest).where(tables.samples.c.project == project)).scalars()
    return {digest: one.label for digest, one in said.counting(connection, project, list(digests)).items()}
