"""Prints of pictures are packed, many to a row: to read a row for each took longer than to compare them."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

PACK, BYTES = 512, 32


def upgrade() -> None:
    """Go to this schema."""
    c = op.get_bind()
    rows = c.execute(sa.text("select project, sample, print from prints order by project, sample")).all()
    op.drop_table("prints")
    packed = op.create_table(
        "prints",
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("prints", sa.LargeBinary, nullable=False),
        sa.Column("samples", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("project", "number", name="pk_prints"),
    )
    op.bulk_insert(packed, list(_packs(rows)))


def downgrade() -> None:
    """Go back to a row for each print."""
    c = op.get_bind()
    packs = c.execute(sa.text("select project, prints, samples from prints")).all()
    op.drop_table("prints")
    single = op.create_table(
        "prints",
        sa.Column("project", sa.String(63), nullable=False),
        sa.Column("sample", sa.String(64), nullable=False),
        sa.Column("print", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "sample"], ["samples.project", "samples.digest"], name="fk_prints_project_sample_samples"
        ),
        sa.PrimaryKeyConstraint("project", "sample", name="pk_prints"),
    )
    op.bulk_insert(
        single,
        [
            {"project": project, "sample": samples[at : at + BYTES].hex(), "print": prints[at : at + BYTES].hex()}
            for project, prints, samples in ((row[0], bytes(row[1]), bytes(row[2])) for row in packs)
            for at in range(0, len(prints), BYTES)
        ],
    )


def _packs(rows: Any) -> Iterator[dict[str, Any]]:
    for project, group in groupby(rows, key=lambda row: row[0]):
        held = list(group)
        for number, start in enumerate(range(0, len(held), PACK)):
            some = held[start : start + PACK]
            prints, samples = (bytes.fromhex("".join(row[column] for row in some)) for column in (2, 1))
            yield {"project": project, "number": number, "prints": prints, "samples": samples}
