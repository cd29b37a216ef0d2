"""Prints of a project's pictures, by which a new sample finds its near duplicates.

They are packed, hundreds to a row, in the order in which they came: a new sample is compared with all of them, and to
read a row for each would take longer than all else that is done with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, insert, select, update

from sightloop.store.tables import prints

PACK = 512
"""How many prints a row holds; all rows of a project but the last are full."""
BYTES = 32
"""The bytes of a print, and of the digest of its sample."""


def add(c: Connection, project: str, new: Mapping[str, str]) -> None:
    """Add prints, by the digests of samples that have none yet; nobody else may add any in the meantime."""
    if not new:
        return
    number, held, digests = _last(c, project)
    held, digests = held + bytes.fromhex("".join(new.values())), digests + bytes.fromhex("".join(new))
    for place, (some, theirs) in enumerate(zip(_cut(held), _cut(digests), strict=True), start=number):
        cells = {"prints": some, "samples": theirs}
        here = (prints.c.project == project, prints.c.number == place)
        if not c.execute(update(prints).where(*here).values(cells)).rowcount:
            c.execute(insert(prints).values(cells | {"project": project, "number": place}))


def all(c: Connection, project: str) -> bytes:
    """All prints of a project, one after the other, in the order in which they came."""
    query = select(prints.c.prints).where(prints.c.project == project).order_by(prints.c.number)
    return b"".join(c.execute(query).scalars())


def samples(c: Connection, project: str, places: Sequence[int]) -> list[str]:
    """The digests of the samples whose prints stand at these places of `all`."""
    numbers = {place // PACK for place in places}
    query = select(prints.c.number, prints.c.samples).where(prints.c.project == project, prints.c.number.in_(numbers))
    found = {row.number: row.samples for row in c.execute(query)}
    starts = ((place // PACK, place % PACK * BYTES) for place in places)
    return [found[number][start : start + BYTES].hex() for number, start in starts]


def _last(c: Connection, project: str) -> tuple[int, bytes, bytes]:
    """The last row with its prints and samples; an empty first one where there is none."""
    query = select(prints.c.number, prints.c.prints, prints.c.samples).where(prints.c.project == project)
    row = c.execute(query.order_by(prints.c.number.desc()).limit(1)).one_or_none()
    return (0, b"", b"") if row is None else (row.number, row.prints, row.samples)


def _cut(packed: bytes) -> Iterator[bytes]:
    return (packed[start : start + PACK * BYTES] for start in range(0, len(packed), PACK * BYTES))
