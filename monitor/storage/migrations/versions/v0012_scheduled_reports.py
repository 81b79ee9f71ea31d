"""The record of reports that were made by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table of scheduled reports."""
    op.create_table(
        "scheduled_reports",
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column(
            "agency", sa.String(200), nullable=False, comment="a present code; empty: the national report"
        ),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("issue", sa.String(10), nullable=False, comment="first or again"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "run",
            sa.BigInteger(),
            nullable=True,
            comment="in report_runs, as long as it is kept; null: nothing had changed",
        ),
        sa.PrimaryKeyConstraint("period", "agency", "language", "issue", name="pk_scheduled_reports"),
    )
