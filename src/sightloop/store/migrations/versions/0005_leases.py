"""A run says by whom its steps are begun, which process works on it, and when that one was last heard of."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go to this schema."""
    op.add_column("runs", sa.Column("scheduler", sa.String(20), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("worker", sa.Text, nullable=True))
    op.add_column("runs", sa.Column("heard", sa.String(32), nullable=True))


def downgrade() -> None:
    """Go back to the schema before."""
    for name in ("heard", "worker", "scheduler"):
        op.drop_column("runs", name)
