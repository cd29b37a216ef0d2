"""Deployments: who answers for a project. Revisions are only ever added, so that a rollback is one more."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from sightloop.errors import Conflict
from sightloop.store import ledger, locks, versions
from sightloop.store.tables import deployment_members, deployments
from sightloop.values.deployment import Deployment, Member, Role
from sightloop.values.ledger import Kind
from sightloop.values.moment import now
from sightloop.values.version import Verdict


def current(c: Connection, project: str) -> Deployment | None:
    """Who answers now; None where nothing was ever deployed."""
    return _one(c, _select(project).order_by(deployments.c.revision.desc()).limit(1))


def revisions(c: Connection) -> dict[str, int]:
    """The newest revision of every project: one cheap query, asked often."""
    query = select(deployments.c.project, func.max(deployments.c.revision).label("revision")).group_by(
        deployments.c.project
    )
    return {row.project: row.revision for row in c.execute(query)}


def history(c: Connection, project: str) -> list[Deployment]:
    """All revisions of a project, newest first."""
    rows = c.execute(_select(project).order_by(deployments.c.revision.desc())).mappings()
    return [_deployment(c, row) for row in rows.all()]


def deploy(
    c: Connection,
    project: str,
    members: Sequence[Member],
    actor: str,
    reason: str,
    run: str | None = None,
    restores: int | None = None,
    kind: Kind = Kind.DEPLOYMENT,
) -> Deployment:
    """Put members in charge as the next revision; a run that deploys again gets the revision that it has.

    `restores` names the revision that a rollback goes back to, `kind` is the ledger's word for the change. Raises
    Conflict for members that no deployment may have, and NotFound for versions that are not there.
    """
    locks.take(c, "deployments", project)
    done = None if run is None else _one(c, select(deployments).where(deployments.c.run == run))
    if done is not None:
        return done
    last = revisions(c).get(project, 0)
    new = Deployment(project=project, revision=last + 1, members=tuple(members), actor=actor, reason=reason, at=now())
    for member in new.members:
        versions.get(c, project, member.version)
    _insert(c, new, run, restores)
    facts = msgspec.to_builtins(new) | {"run": run, "restores": restores}
    ledger.append(c, facts.pop("project"), kind, facts)
    return new


def promote(
    c: Connection,
    project: str,
    version: int,
    actor: str,
    reason: str,
    run: str | None = None,
    *,
    licences: frozenset[str],
    force: bool = False,
) -> Deployment:
    """Make a version the one and only champion; nothing changes where it is already.

    Raises NotFound, Conflict with the gate's reason for a refused version unless `force` is given, and PackageRefused
    for one whose licence is none of `licences`; where there are none, every licence is allowed.
    """
    wanted = versions.get(c, project, version)
    wanted.card.refuse_licence(licences)
    if wanted.verdict is Verdict.REFUSED and not force:
        raise Conflict(
            f"version {version} of {project} was refused: {wanted.reason}",
            expected="an accepted version",
            got="a refused one",
            hint="Promote it with force if you know better.",
        )
    locks.take(c, "deployments", project)
    alone, now_serving = _alone(version), current(c, project)
    if now_serving is not None and now_serving.members == alone:
        return now_serving
    return deploy(c, project, alone, actor, reason, run, kind=Kind.PROMOTION)


def rollback(c: Connection, project: str, actor: str, reason: str) -> Deployment:
    """Go back to the champion before this one; a second rollback goes further back. Raises Conflict where none was."""
    locks.take(c, "deployments", project)
    champions = _champions(c, project)
    if len(champions) < 2:
        raise Conflict(f"{project} has no champion before the present one", hint="Promote a version instead.")
    revision, version = champions[-2]
    return deploy(c, project, _alone(version), actor, reason, restores=revision, kind=Kind.ROLLBACK)


def _champions(c: Connection, project: str) -> list[tuple[int, int]]:
    """Revision and version of each change of champion, oldest first, without those that were rolled back from."""
    query = (
        select(deployments.c.revision, deployments.c.restores, deployment_members.c.version)
        .join(deployment_members)
        .where(deployments.c.project == project, deployment_members.c.role == Role.CHAMPION.value)
        .order_by(deployments.c.revision)
    )
    stack: list[tuple[int, int]] = []
    for revision, restores, version in c.execute(query):
        if restores is not None:
            stack.pop()
        elif not stack or stack[-1][1] != version:
            stack.append((revision, version))
    return stack


def _alone(version: int) -> tuple[Member, ...]:
    return (Member(role=Role.CHAMPION, version=version, share=1.0),)


def _insert(c: Connection, new: Deployment, run: str | None, restores: int | None) -> None:
    row = msgspec.to_builtins(new)
    key = {"project": new.project, "revision": new.revision}
    members = [key | member | {"position": position} for position, member in enumerate(row.pop("members"))]
    try:
        with c.begin_nested():
            c.execute(insert(deployments).values(row | {"run": run, "restores": restores}))
            c.execute(insert(deployment_members), members)
    except IntegrityError as error:
        raise Conflict(f"revision {new.revision} of {new.project} was deployed by another meanwhile") from error


def _select(project: str) -> Select[tuple[object, ...]]:
    return select(deployments).where(deployments.c.project == project)


def _one(c: Connection, query: Select[tuple[object, ...]]) -> Deployment | None:
    row = c.execute(query).mappings().one_or_none()
    return None if row is None else _deployment(c, row)


def _deployment(c: Connection, row: RowMapping) -> Deployment:
    table = deployment_members.c
    query = (
        select(table.role, table.version, table.share)
        .where(table.project == row["project"], table.revision == row["revision"])
        .order_by(table.position)
    )
    members = tuple(Member(role=Role(role), version=version, share=share) for role, version, share in c.execute(query))
    return Deployment(
        project=row["project"],
        revision=row["revision"],
        members=members,
        actor=row["actor"],
        reason=row["reason"],
        at=row["at"],
    )
