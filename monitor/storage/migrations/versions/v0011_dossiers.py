"""Dossiers, and what they count for by local day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

NAME = sa.String(200)
TOPIC = sa.String(249)


def upgrade() -> None:
    """Create the tables of dossiers."""
    op.create_table(
        "dossiers",
        sa.Column("topic", TOPIC, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("dossier", sa.String(100), nullable=False),
        sa.Column(
            "state",
            sa.LargeBinary(),
            nullable=False,
            comment="monitor.dossiers.state.Dossier, MessagePack",
        ),
        sa.Column(
            "counted", sa.LargeBinary(), nullable=False, comment="group and counts by day, MessagePack"
        ),
        sa.Column("ended", sa.Integer(), nullable=False, comment="1: completed or withdrawn"),
        sa.Column("last_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", "agency", "dossier", name="pk_dossiers"),
    )
    op.create_index("ix_dossiers_ended_last_time", "dossiers", ["ended", "last_time"])
    op.create_table(
        "dossier_cells",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("procedures", sa.String(40), nullable=False),
        sa.Column("measure", sa.String(40), nullable=False),
        sa.Column("topic", TOPIC, nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "agency", "procedures", "measure", "topic", "partition", name="pk_dossier_cells"
        ),
    )
    op.create_index("ix_dossier_cells_topic_partition_day", "dossier_cells", ["topic", "partition", "day"])
