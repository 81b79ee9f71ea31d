"""History files that were counted, and how far security servers were asked for their records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "history_files",
        sa.Column("topic", sa.String(249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False, comment="hash of the first record"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as it was last called, without its folder"),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="bytes, unpacked, that were counted"),
        sa.Column("digest", sa.String(64), nullable=False, comment="hash of those bytes"),
        sa.Column("left_out", sa.BigInteger(), nullable=False, comment="records outside the times asked for"),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_history_files"),
    )
    op.create_index("ix_history_files_head", "history_files", ["head"])
    op.create_table(
        "xroad_collections",
        sa.Column("server", sa.String(500), nullable=False),
        sa.Column("next_from", sa.BigInteger(), nullable=False, comment="epoch seconds to ask from"),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_xroad_collections"),
    )
