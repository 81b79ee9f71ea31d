"""Security events, one row each for as long as they are kept, and their hourly counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.String(200)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _source() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("topic", sa.String(249), nullable=False), sa.Column(
        "partition", sa.Integer(), nullable=False
    )


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "security_events",
        *_source(),
        _number("source_offset"),
        sa.Column("id", NAME, nullable=False),
        _number("time"),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("actor", NAME, nullable=True),
        sa.Column("source_ip", sa.String(45), nullable=True),
        sa.Column("service", NAME, nullable=True),
        sa.Column("subject", NAME, nullable=True),
        _number("count"),
        _number("bytes"),
        sa.Column("detail", sa.Text(), nullable=True, comment="JSON object of texts, numbers and booleans"),
        sa.PrimaryKeyConstraint("topic", "partition", "source_offset", name="pk_security_events"),
    )
    op.create_index("ix_security_events_time", "security_events", ["time"])
    op.create_index("ix_security_events_agency_time", "security_events", ["agency", "time"])
    op.create_index("ix_security_events_id", "security_events", ["id"])
    op.create_table(
        "security_counts",
        _number("hour"),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        *_source(),
        *[_number(name) for name in ("count", "late", "duplicates", "last_time")],
        sa.PrimaryKeyConstraint(
            "hour", "agency", "kind", "severity", "topic", "partition", name="pk_security_counts"
        ),
    )
    op.create_index(
        "ix_security_counts_topic_partition_hour", "security_counts", ["topic", "partition", "hour"]
    )
