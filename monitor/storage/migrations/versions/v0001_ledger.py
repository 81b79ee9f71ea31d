"""The ledger: offsets, cells, findings, rejected, gaps and ids."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NAME = sa.String(200)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _source() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("topic", sa.String(249), nullable=False), sa.Column(
        "partition", sa.Integer(), nullable=False
    )


def _pair() -> list[sa.Column[str]]:
    return [sa.Column(name, NAME, nullable=False) for name in ("provider", "consumer", "service")]


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "offsets",
        *_source(),
        _number("next_offset"),
        _number("newest", nullable=True),
        sa.Column("id_generation", sa.Integer(), nullable=False),
        _number("id_begins_at_offset"),
        _number("id_rotates_at", nullable=True),
        sa.Column("ids_shortened", sa.Integer(), nullable=False),
        _number("events"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_offsets"),
    )
    op.create_table(
        "cells",
        _number("hour"),
        *_pair(),
        *_source(),
        *[_number(name) for name in ("ok", "fault", "denied", "timeout", "records")],
        *[_number(name) for name in ("request_bytes", "response_bytes", "duration_us")],
        _number("shortest_us", nullable=True),
        *[_number(name) for name in ("longest_us", "slow", "breached", "late", "duplicates", "last_time")],
        sa.Column("latency", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "provider", "consumer", "service", "topic", "partition", name="pk_cells"
        ),
    )
    op.create_index("ix_cells_topic_partition_hour", "cells", ["topic", "partition", "hour"])
    op.create_table(
        "findings",
        _number("hour"),
        *_pair(),
        sa.Column("breach", sa.String(40), nullable=False),
        *_source(),
        *[_number(name) for name in ("count", "denied", "first_time", "last_time")],
        sa.Column("samples", sa.LargeBinary(), nullable=False, comment="up to ten event ids, MessagePack"),
        sa.Column("agreement", sa.String(40), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "provider", "consumer", "service", "breach", "topic", "partition", name="pk_findings"
        ),
    )
    op.create_index("ix_findings_topic_partition_hour", "findings", ["topic", "partition", "hour"])
    op.create_table(
        "rejected",
        *_source(),
        sa.Column("reason", sa.String(40), nullable=False),
        _number("count"),
        _number("last_offset"),
        sa.PrimaryKeyConstraint("topic", "partition", "reason", name="pk_rejected"),
    )
    op.create_table(
        "gaps",
        *_source(),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", NAME, nullable=False),
        _number("count"),
        _number("last_time"),
        sa.PrimaryKeyConstraint("topic", "partition", "kind", "name", name="pk_gaps"),
    )
    op.create_table(
        "seen_ids",
        *_source(),
        sa.Column("generation", sa.Integer(), nullable=False),
        _number("next_offset"),
        sa.Column("ids", sa.LargeBinary(), nullable=False, comment="event ids, MessagePack"),
        sa.PrimaryKeyConstraint("topic", "partition", "generation", "next_offset", name="pk_seen_ids"),
    )
