"""A video says, as a run does, which process works on it, and when that one was last heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go to this schema."""
    op.add_column("videos", sa.Column("worker", sa.Text, nullable=True))
    op.add_column("videos", sa.Column("heard", sa.String(32), nullable=True))


def downgrade() -> None:
    """Go back to the schema before."""
    for name in ("heard", "worker"):
        op.drop_column("videos", name)
