"""Dataset versions may have their packed content in DVC; pictures have prints by which near duplicates are found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go to this schema."""
    op.add_column("dataset_versions", sa.Column("archive", sa.String(32), nullable=True))
    op.create_table(
        "prints",
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("sample", sa.String(64), nullable=False),
        sa.Column("print", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "sample"], ["samples.project", "samples.digest"], name="fk_prints_project_sample_samples"
        ),
        sa.PrimaryKeyConstraint("project", "sample", name="pk_prints"),
    )


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_table("prints")
    op.drop_column("dataset_versions", "archive")
