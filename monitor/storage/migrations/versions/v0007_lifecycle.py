"""Lifecycle events, one row each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NAME = sa.String(200)


def upgrade() -> None:
    """Create the table of lifecycle events."""
    op.create_table(
        "lifecycle_events",
        sa.Column("topic", sa.String(249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("source_offset", sa.BigInteger(), nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("agreement", NAME, nullable=True),
        sa.Column("service", NAME, nullable=True),
        sa.Column("request", sa.String(100), nullable=True),
        sa.Column("due", sa.Date(), nullable=True, comment="the last day"),
        sa.Column("limit", sa.String(20), nullable=True, comment="which limit a request has"),
        sa.PrimaryKeyConstraint("topic", "partition", "source_offset", name="pk_lifecycle_events"),
    )
    op.create_index("ix_lifecycle_events_kind_time", "lifecycle_events", ["kind", "time"])
    op.create_index(
        "ix_lifecycle_events_agency_request_kind_time",
        "lifecycle_events",
        ["agency", "request", "kind", "time"],
    )
    op.create_index("ix_lifecycle_events_id", "lifecycle_events", ["id"])
