"""The record of reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the table of report runs."""
    op.create_table(
        "report_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column(
            "agency", sa.String(200), nullable=False, comment="a present code; empty: the national report"
        ),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("issuer", sa.String(200), nullable=True, comment="an office or role, never a person"),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, comment="draft or signed"),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_by", sa.String(200), nullable=True, comment="an office or role, never a person"),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False, comment="what people wrote, JSON"),
        sa.Column("figures", sa.LargeBinary(), nullable=False, comment="the report, JSON, compressed"),
        sa.PrimaryKeyConstraint("id", name="pk_report_runs"),
    )
    op.create_index(
        "ix_report_runs_period_agency_language_state",
        "report_runs",
        ["period", "agency", "language", "state"],
    )
