"""What detectors remember: how far they are, a journal of steps, and states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _source() -> tuple[sa.Column[str], sa.Column[int]]:
    return sa.Column("topic", sa.String(249), nullable=False), sa.Column(
        "partition", sa.Integer(), nullable=False
    )


def _bytes(name: str, comment: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False, comment=comment)


def upgrade() -> None:
    """Create the tables of detectors."""
    op.create_table(
        "detector_progress",
        *_source(),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=True),
        sa.Column("watermark", sa.BigInteger(), nullable=True),
        sa.Column("advanced", sa.BigInteger(), nullable=True),
        _bytes("counters", "figures by name, MessagePack"),
        sa.PrimaryKeyConstraint("topic", "partition", name="pk_detector_progress"),
    )
    op.create_table(
        "detector_journal",
        *_source(),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        _bytes("steps", "what was done to states, MessagePack"),
        sa.PrimaryKeyConstraint("topic", "partition", "sequence", name="pk_detector_journal"),
    )
    op.create_table(
        "detector_states",
        *_source(),
        sa.Column("rule", sa.String(200), nullable=False),
        sa.Column("group_key", sa.String(32), nullable=False),
        sa.Column("rule_fingerprint", sa.String(100), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        _bytes("state", "[group, state], MessagePack"),
        sa.PrimaryKeyConstraint("topic", "partition", "rule", "group_key", name="pk_detector_states"),
    )
