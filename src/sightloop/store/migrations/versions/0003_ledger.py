"""The ledger; what was registered and deployed before it is taken in, so that it speaks of everything there is."""

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NAME, DIGEST, MOMENT = sa.String(63), sa.String(64), sa.String(32)

GUARDS = {
    "sqlite": (
        "CREATE TRIGGER ledger_keep_update BEFORE UPDATE ON ledger "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END",
        "CREATE TRIGGER ledger_keep_delete BEFORE DELETE ON ledger "
        "BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is only ever added to'; END $$",
        "CREATE TRIGGER ledger_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep()",
    ),
}


def upgrade() -> None:
    """Go to this schema."""
    table = op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("previous", DIGEST, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger"),
        sa.UniqueConstraint("hash", name="uq_ledger_hash"),
    )
    op.create_index("ix_ledger_project_seq", "ledger", ["project", "seq"])
    rows = _chained(sorted(_registered() + _deployed(), key=lambda row: row["at"]))
    if rows:
        op.bulk_insert(table, rows)
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Go back to the schema without a ledger."""
    op.drop_table("ledger")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_keep()")


def _registered() -> list[dict[str, Any]]:
    query = "select project, number, package, verdict, reason, run, at from model_versions"
    return [_row("registration", dict(row)) for row in op.get_bind().execute(sa.text(query)).mappings()]


def _deployed() -> list[dict[str, Any]]:
    found = []
    for row in op.get_bind().execute(sa.text("select * from deployments")).mappings():
        query = sa.text(
            "select role, version, share from deployment_members "
            "where project = :project and revision = :revision order by position"
        )
        key = {"project": row["project"], "revision": row["revision"]}
        members = [dict(member) for member in op.get_bind().execute(query, key).mappings()]
        found.append(_row("deployment", {**row, "members": members}))
    return found


def _row(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    project, at = facts.pop("project"), facts["at"]
    data = _json({str(name): cell for name, cell in facts.items()} | {"adopted": True})
    return {"at": at, "project": project, "kind": kind, "data": data}


def _chained(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    before = "0" * 64
    for seq, row in enumerate(rows, 1):
        row |= {"seq": seq, "previous": before}
        hashed = _json(row | {"data": msgspec.Raw(row["data"].encode())})
        row["hash"] = before = hashlib.sha256(hashed.encode()).hexdigest()
    return rows


def _json(facts: dict[str, Any]) -> str:
    return msgspec.json.encode(facts, order="sorted").decode()
