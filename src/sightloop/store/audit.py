"""Whether the ledger is whole: its chain of hashes, and the rows that it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, RowMapping, select

from sightloop.errors import NotFound
from sightloop.store import ledger as entries
from sightloop.store.tables import deployment_members, deployments, ledger, model_versions
from sightloop.values.ledger import START, Kind, fingerprint

_DEPLOYED = (Kind.DEPLOYMENT, Kind.PROMOTION, Kind.ROLLBACK)


class Fault(Struct, frozen=True, kw_only=True):
    """Something that is not as it was written: the ledger's row, or None for a row elsewhere, and a sentence."""

    seq: int | None
    message: str


def verify(c: Connection) -> list[Fault]:
    """Every fault: an altered, missing or unchained row; a deployment or version that is not as it was recorded."""
    return [*_chain(c), *_versions(c), *_deployments(c)]


def head(c: Connection, expected: str | None = None) -> tuple[int, str]:
    """Number and hash of the newest row; who keeps it elsewhere can tell a chain that was written anew as a whole.

    Raises NotFound where no row has the `expected` hash.
    """
    if expected is not None and c.execute(select(ledger.c.seq).where(ledger.c.hash == expected)).first() is None:
        raise NotFound(f"no row of the ledger has the hash {expected}", hint="The ledger was cut off or written anew.")
    row = c.execute(select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)).one_or_none()
    return (0, START) if row is None else (row.seq, row.hash)


def _chain(c: Connection) -> Iterator[Fault]:
    seq, before = 0, START
    for row in c.execute(select(ledger).order_by(ledger.c.seq)).mappings():
        if row["seq"] != seq + 1:
            yield Fault(seq=row["seq"], message=f"{seq + 1} to {row['seq'] - 1} of the ledger are missing")
        elif row["previous"] != before:
            yield Fault(seq=row["seq"], message=f"{_named(row)} does not follow on row {seq}: one of them was altered")
        if _fingerprint(row) != row["hash"]:
            yield Fault(seq=row["seq"], message=f"{_named(row)} was altered: it does not have its hash")
        seq, before = row["seq"], row["hash"]


def _fingerprint(row: RowMapping) -> str:
    return fingerprint(**{str(name): cell for name, cell in row.items() if name != "hash"})


def _named(row: RowMapping) -> str:
    return f"row {row['seq']} of the ledger ({row['kind']} of {row['project']}, {row['at'][:19]})"


def _versions(c: Connection) -> Iterator[Fault]:
    recorded = _recorded(c, "number", Kind.REGISTRATION)
    table = model_versions.c
    query = select(table.project, table.number, table.package, table.verdict, table.reason, table.run)
    query = query.order_by(table.project, table.number)
    for row in c.execute(query).mappings():
        yield from _compared(f"version {row['number']} of {row['project']}", {**row}, recorded, "number")
    yield from _vanished("version", recorded)


def _deployments(c: Connection) -> Iterator[Fault]:
    recorded = _recorded(c, "revision", *_DEPLOYED)
    members: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for one in c.execute(select(deployment_members).order_by(deployment_members.c.position)):
        member = {"role": one.role, "version": one.version, "share": one.share}
        members.setdefault((one.project, one.revision), []).append(member)
    for row in c.execute(select(deployments).order_by(deployments.c.project, deployments.c.revision)).mappings():
        whole = {**row, "members": members.get((row["project"], row["revision"]), [])}
        yield from _compared(f"revision {row['revision']} of {row['project']}", whole, recorded, "revision")
    yield from _vanished("revision", recorded)


def _recorded(c: Connection, key: str, *kinds: Kind) -> dict[tuple[str, Any], tuple[int, dict[str, Any]]]:
    return {
        (entry.project, entry.data.get(key)): (entry.seq, entry.data)
        for entry in entries.page(c)
        if entry.kind in kinds
    }


def _compared(
    name: str, row: Mapping[str, Any], recorded: dict[tuple[str, Any], tuple[int, dict[str, Any]]], key: str
) -> Iterator[Fault]:
    found = recorded.pop((row["project"], row[key]), None)
    if found is None:
        yield Fault(seq=None, message=f"{name} is not in the ledger")
        return
    seq, facts = found
    changed = [field for field, cell in row.items() if field in facts and msgspec.to_builtins(cell) != facts[field]]
    if changed:
        yield Fault(seq=None, message=f"{name} is not as row {seq} of the ledger recorded it: {', '.join(changed)}")


def _vanished(what: str, left: dict[tuple[str, Any], tuple[int, dict[str, Any]]]) -> Iterator[Fault]:
    for (project, number), (seq, _) in left.items():
        yield Fault(seq=None, message=f"{what} {number} of {project}, recorded in row {seq} of the ledger, is gone")
