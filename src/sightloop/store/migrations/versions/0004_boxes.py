"""Annotations may carry boxes; those that are there have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go to this schema."""
    op.add_column("annotations", sa.Column("boxes", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_column("annotations", "boxes")
