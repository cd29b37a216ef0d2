"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME, DIGEST, ID, MOMENT = sa.String(63), sa.String(64), sa.String(36), sa.String(32)
OPEN_RUNS = sa.text("status in ('queued', 'running')")
CHAMPIONS = sa.text("role = 'champion'")


def upgrade() -> None:
    """Go to this schema."""
    _create_samples()
    _create_annotations()
    _create_predictions()
    _create_dataset_versions()
    _create_runs()
    _create_run_events()
    _create_model_versions()
    _create_deployments()
    _create_deployment_members()


def downgrade() -> None:
    """Go back to an empty database."""
    for table in ("deployment_members", "deployments", "model_versions", "run_events", "runs"):
        op.drop_table(table)
    for table in ("dataset_versions", "predictions", "annotations", "samples"):
        op.drop_table(table)


def _create_samples() -> None:
    op.create_table(
        "samples",
        sa.Column("project", NAME, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("blob", DIGEST, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("side in ('train', 'validation', 'test')", name=op.f("ck_samples_side")),
        sa.PrimaryKeyConstraint("project", "digest", name="pk_samples"),
    )


def _create_annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("id", ID, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("sample", DIGEST, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("prediction", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "sample"],
            ["samples.project", "samples.digest"],
            name="fk_annotations_project_sample_samples",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
    )
    op.create_index("ix_annotations_project_sample_id", "annotations", ["project", "sample", "id"])
    op.create_index("ix_annotations_project_at", "annotations", ["project", "at"])


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", ID, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("digest", DIGEST, nullable=True),
        sa.Column("blob", DIGEST, nullable=True),
        sa.Column("offset", sa.BigInteger, nullable=True),
        sa.Column("length", sa.BigInteger, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
    )
    op.create_index("ix_predictions_project_id", "predictions", ["project", "id"])
    op.create_index("ix_predictions_project_at", "predictions", ["project", "at"])


def _create_dataset_versions() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("project", NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("manifest", DIGEST, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "number", name="pk_dataset_versions"),
        sa.UniqueConstraint("project", "manifest", name="uq_dataset_versions_project_manifest"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("trigger", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("cancelling", sa.Boolean, nullable=False),
        sa.Column("parameters", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("started", MOMENT, nullable=True),
        sa.Column("finished", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_project_id", "runs", ["project", "id"])
    op.create_index(
        "uq_runs_open", "runs", ["project"], unique=True, sqlite_where=OPEN_RUNS, postgresql_where=OPEN_RUNS
    )


def _create_run_events() -> None:
    op.create_table(
        "run_events",
        sa.Column("run", ID, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("step", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_run_events_run_runs"),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_run_events"),
    )


def _create_model_versions() -> None:
    op.create_table(
        "model_versions",
        sa.Column("project", NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("package", DIGEST, nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.Column("verdict", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("run", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "number", name="pk_model_versions"),
        sa.UniqueConstraint("run", name="uq_model_versions_run"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_model_versions_run_runs"),
    )


def _create_deployments() -> None:
    op.create_table(
        "deployments",
        sa.Column("project", NAME, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("run", ID, nullable=True),
        sa.Column("restores", sa.Integer, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project", "revision", name="pk_deployments"),
        sa.UniqueConstraint("run", name="uq_deployments_run"),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_deployments_run_runs"),
    )


def _create_deployment_members() -> None:
    op.create_table(
        "deployment_members",
        sa.Column("project", NAME, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "revision"],
            ["deployments.project", "deployments.revision"],
            name="fk_deployment_members_project_revision_deployments",
        ),
        sa.ForeignKeyConstraint(
            ["project", "version"],
            ["model_versions.project", "model_versions.number"],
            name="fk_deployment_members_project_version_model_versions",
        ),
        sa.PrimaryKeyConstraint("project", "revision", "version", name="pk_deployment_members"),
    )
    op.create_index(
        "uq_deployment_members_champion",
        "deployment_members",
        ["project", "revision"],
        unique=True,
        sqlite_where=CHAMPIONS,
        postgresql_where=CHAMPIONS,
    )
