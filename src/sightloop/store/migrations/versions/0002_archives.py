"""Dataset versions may have their packed content in DVC."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Go to this schema."""
    op.add_column("dataset_versions", sa.Column("archive", sa.String(32), nullable=True))


def downgrade() -> None:
    """Go back to the schema before."""
    op.drop_column("dataset_versions", "archive")
