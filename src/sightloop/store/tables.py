"""The tables. Rows that record what happened (annotations, events, deployments, the ledger) are only ever added."""

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NAME, DIGEST, ID, MOMENT = String(63), String(64), String(36), String(32)

samples = Table(
    "samples",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("digest", DIGEST, primary_key=True),
    Column("side", String(10), nullable=False),
    Column("blob", DIGEST, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("origin", Text, nullable=False, default=""),
    Column("at", MOMENT, nullable=False),
    CheckConstraint("side in ('train', 'validation', 'test')", name="side"),
)

# Of pictures that are large enough to have one (sightloop.data.prints): many to a row, with their samples' digests.
prints = Table(
    "prints",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("prints", LargeBinary, nullable=False),
    Column("samples", LargeBinary, nullable=False),
)

annotations = Table(
    "annotations",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", NAME, nullable=False),
    Column("sample", DIGEST, nullable=False),
    Column("label", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("source", String(10), nullable=False),
    Column("prediction", ID, nullable=True),
    Column("at", MOMENT, nullable=False),
    # Where the sample has boxes and not one class; the label is then empty.
    Column("boxes", JSON(none_as_null=True), nullable=True),
    ForeignKeyConstraint(["project", "sample"], ["samples.project", "samples.digest"]),
    Index(None, "project", "sample", "id"),
    Index(None, "project", "at"),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("answer", JSON, nullable=False),
    # The input's bytes, where they were kept: a digest of its own and its place in a blob.
    Column("digest", DIGEST, nullable=True),
    Column("blob", DIGEST, nullable=True),
    Column("offset", BigInteger, nullable=True),
    Column("length", BigInteger, nullable=True),
    Column("at", MOMENT, nullable=False),
    Index(None, "project", "id"),
    Index(None, "project", "at"),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("manifest", DIGEST, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("at", MOMENT, nullable=False),
    # The MD5 under which DVC has the packed content, where it was given to it.
    Column("archive", String(32), nullable=True),
    UniqueConstraint("project", "manifest"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", NAME, nullable=False),
    Column("status", String(10), nullable=False),
    Column("trigger", String(20), nullable=False),
    Column("actor", Text, nullable=False),
    Column("step", String(20), nullable=False, default=""),
    Column("progress", Float, nullable=False, default=0.0),
    Column("cancelling", Boolean, nullable=False, default=False),
    Column("parameters", JSON, nullable=False, default=dict),
    Column("result", JSON, nullable=False, default=dict),
    Column("error", Text, nullable=True),
    Column("created", MOMENT, nullable=False),
    Column("started", MOMENT, nullable=True),
    Column("finished", MOMENT, nullable=True),
    # Who begins its steps: "" is the built-in worker; and the lease of the process that works on it.
    Column("scheduler", String(20), nullable=False, server_default=""),
    Column("worker", Text, nullable=True),
    Column("heard", MOMENT, nullable=True),
    Index(None, "project", "id"),
    # One open run per project, whoever asks.
    Index(
        "uq_runs_open",
        "project",
        unique=True,
        sqlite_where=text("status in ('queued', 'running')"),
        postgresql_where=text("status in ('queued', 'running')"),
    ),
)

run_events = Table(
    "run_events",
    metadata,
    Column("run", ID, ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("step", String(20), nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("data", JSON, nullable=False, default=dict),
    Column("at", MOMENT, nullable=False),
)

videos = Table(
    "videos",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project", NAME, nullable=False),
    Column("name", Text, nullable=False),
    Column("stage", String(10), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("handling", JSON, nullable=False),
    Column("version", Integer, nullable=True),
    Column("done", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("eta", Float, nullable=True),
    Column("cancelling", Boolean, nullable=False),
    Column("result", JSON, nullable=False),
    Column("error", Text, nullable=True),
    Column("created", MOMENT, nullable=False),
    Column("started", MOMENT, nullable=True),
    Column("finished", MOMENT, nullable=True),
    # The lease of the process that works on it.
    Column("worker", Text, nullable=True),
    Column("heard", MOMENT, nullable=True),
    Index(None, "project", "id"),
    Index(None, "stage", "id"),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("package", DIGEST, nullable=False),
    Column("card", JSON, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("run", ID, ForeignKey("runs.id"), nullable=True, unique=True),
    Column("at", MOMENT, nullable=False),
)

deployments = Table(
    "deployments",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # A run deploys at most once, even if its step is done again after a crash.
    Column("run", ID, ForeignKey("runs.id"), nullable=True, unique=True),
    # Of a rollback: the revision that it went back to, so that the next rollback goes further back.
    Column("restores", Integer, nullable=True),
    Column("at", MOMENT, nullable=False),
)

deployment_members = Table(
    "deployment_members",
    metadata,
    Column("project", NAME, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("role", String(10), nullable=False),
    Column("share", Float, nullable=False),
    Column("position", Integer, nullable=False),
    ForeignKeyConstraint(["project", "revision"], ["deployments.project", "deployments.revision"]),
    ForeignKeyConstraint(["project", "version"], ["model_versions.project", "model_versions.number"]),
    # Never two champions.
    Index(
        "uq_deployment_members_champion",
        "project",
        "revision",
        unique=True,
        sqlite_where=text("role = 'champion'"),
        postgresql_where=text("role = 'champion'"),
    ),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", MOMENT, nullable=False),
    Column("project", NAME, nullable=False),
    Column("kind", String(20), nullable=False),
    # Canonical JSON, kept letter by letter, since its hash is of the letters.
    Column("data", Text, nullable=False),
    Column("previous", DIGEST, nullable=False),
    Column("hash", DIGEST, nullable=False, unique=True),
    Index(None, "project", "seq"),
)

# The database itself refuses a change of what was recorded.
LEDGER_GUARDS = {
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
for _dialect, _statements in LEDGER_GUARDS.items():
    for _statement in _statements:
        event.listen(ledger, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
