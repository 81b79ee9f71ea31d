"""Calls over X-Road: their measures, counts and clocks, and the halves that wait or waited in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NAME = sa.String(200)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=nullable, comment=comment)


def _source() -> tuple[sa.Column[str], sa.Column[int]]:
    return _text("topic", 249), sa.Column("partition", sa.Integer(), nullable=False)


def _pair() -> list[sa.Column[str]]:
    return [sa.Column(name, NAME, nullable=False) for name in ("provider", "consumer", "service")]


def _by_source_and_hour(table: str) -> None:
    op.create_index(f"ix_{table}_topic_partition_hour", table, ["topic", "partition", "hour"])


def upgrade() -> None:
    """Create the tables of X-Road."""
    cell = ("hour", "provider", "consumer", "service")
    op.create_table(
        "xroad_measures",
        _number("hour"),
        *_pair(),
        _text("measure", 40),
        *_source(),
        *[_number(name) for name in ("count", "flagged", "total")],
        *[_number(name, nullable=True) for name in ("smallest", "largest")],
        sa.Column("histogram", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*cell, "measure", "topic", "partition", name="pk_xroad_measures"),
    )
    _by_source_and_hour("xroad_measures")
    op.create_table(
        "xroad_counts",
        _number("hour"),
        *_pair(),
        _text("what", 60),
        *_source(),
        _number("count"),
        sa.PrimaryKeyConstraint(*cell, "what", "topic", "partition", name="pk_xroad_counts"),
    )
    _by_source_and_hour("xroad_counts")
    op.create_table(
        "xroad_skews",
        _number("hour"),
        _text("client_server", 255),
        _text("service_server", 255),
        *_source(),
        *[_number(name) for name in ("samples", "median_us")],
        sa.Column("histogram", sa.LargeBinary(), nullable=False, comment="signed buckets, MessagePack"),
        sa.PrimaryKeyConstraint(
            "hour", "client_server", "service_server", "topic", "partition", name="pk_xroad_skews"
        ),
    )
    _by_source_and_hour("xroad_skews")
    op.create_table(
        "xroad_waiting",
        *_source(),
        _text("key", 300),
        _number("arrived_ms"),
        sa.Column("half", sa.LargeBinary(), nullable=False, comment="MessagePack"),
        sa.PrimaryKeyConstraint("topic", "partition", "key", name="pk_xroad_waiting"),
    )
    op.create_table(
        "xroad_late",
        _text("call", 300),
        _text("match", 40, nullable=True, comment="where a partner can only be told by likeness"),
        _number("hour"),
        *_pair(),
        _number("time"),
        _text("outcome", 10),
        _number("duration_us"),
        sa.Column("slow", sa.Integer(), nullable=False),
        _text("breaches", 400, comment="separated by commas"),
        _text("agreement", 40, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("client", sa.LargeBinary(), nullable=True),
        sa.Column("producer", sa.LargeBinary(), nullable=True),
        _text("topic", 249, comment="whose half came first"),
        sa.Column("partition", sa.Integer(), nullable=False),
        _number("changed_at"),
        sa.PrimaryKeyConstraint("call", name="pk_xroad_late"),
    )
    op.create_index("ix_xroad_late_hour_provider_consumer_service", "xroad_late", list(cell))
    op.create_index("ix_xroad_late_match", "xroad_late", ["match"])
    op.create_table(
        "xroad_turn",
        sa.Column("id", sa.Integer(), nullable=False),
        _number("turns"),
        sa.PrimaryKeyConstraint("id", name="pk_xroad_turn"),
    )
