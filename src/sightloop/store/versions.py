"""Model versions: packages under numbers, with where they came from and what was decided of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from sightloop.errors import NotFound
from sightloop.store import ledger, locks
from sightloop.store.rows import value
from sightloop.store.tables import model_versions
from sightloop.values.ledger import Kind
from sightloop.values.moment import now
from sightloop.values.package import Package
from sightloop.values.version import ModelVersion, Verdict


def register(
    c: Connection,
    project: str,
    package: str,
    card: Package,
    verdict: Verdict,
    reason: str,
    run: str | None = None,
    decision: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Give a package the project's next number; a run that registers again gets the version that it has.

    The registration, and the decision with its numbers where there is one, stand in the ledger from then on.
    """
    locks.take(c, "model_versions", project)
    table = model_versions.c
    if run is not None:
        row = c.execute(select(model_versions).where(table.run == run)).mappings().one_or_none()
        if row is not None:
            return _version(row)
    last = c.execute(select(func.max(table.number)).where(table.project == project)).scalar_one() or 0
    version = ModelVersion(
        project=project,
        number=last + 1,
        package=package,
        card=card,
        verdict=verdict,
        reason=reason,
        run=run,
        at=now(),
    )
    c.execute(insert(model_versions).values(msgspec.to_builtins(version)))
    if decision is not None:
        ledger.append(c, project, Kind.DECISION, {"number": version.number, "run": run, **decision})
    facts = {name: getattr(version, name) for name in ("number", "package", "verdict", "reason", "run", "at")}
    ledger.append(c, project, Kind.REGISTRATION, facts | {"dataset": card.dataset})
    return version


def get(c: Connection, project: str, number: int) -> ModelVersion:
    """The version with this number. Raises NotFound."""
    table = model_versions.c
    query = select(model_versions).where(table.project == project, table.number == number)
    row = c.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"{project} has no model version {number}", hint="`sightloop models list` shows those it has.")
    return _version(row)


def list(c: Connection, project: str) -> Sequence[ModelVersion]:
    """All versions of a project, newest first."""
    table = model_versions.c
    query = select(model_versions).where(table.project == project).order_by(table.number.desc())
    return [_version(row) for row in c.execute(query).mappings()]


def _version(row: RowMapping) -> ModelVersion:
    return value(row, ModelVersion)
