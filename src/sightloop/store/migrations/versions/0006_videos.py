"""Videos that were sent, and what became of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID, NAME, MOMENT = sa.String(36), sa.String(63), sa.String(32)


def upgrade() -> None:
    """Go to this schema."""
    op.create_table(
        "videos",
        sa.Column("id", ID, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("handling", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=True),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("frames", sa.Integer, nullable=False),
        sa.Column("eta", sa.Float, nullable=True),
        sa.Column("cancelling", sa.Boolean, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
        sa.Column("error", sa.Text, nullable=True),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("started", MOMENT, nullable=True),
        sa.Column("finished", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_videos"),
    )
    op.create_index("ix_videos_project_id", "videos", ["project", "id"])
    op.create_index("ix_videos_stage_id", "videos", ["stage", "id"])


def downgrade() -> None:
    """Go back to the schema without videos."""
    op.drop_table("videos")
