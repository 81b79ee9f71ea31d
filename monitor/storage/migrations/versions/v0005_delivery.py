"""The delivery of alerts: leases, destinations, and what each destination has taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

DESTINATION = sa.String(200)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """Create the four tables."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(100), nullable=False),
        _moment("until", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "destinations",
        sa.Column("name", DESTINATION, nullable=False),
        _moment("since", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_destinations"),
    )
    op.create_table(
        "deliveries",
        sa.Column("destination", DESTINATION, nullable=False),
        sa.Column("alert_id", sa.String(100), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        _moment("opened_sent_at"),
        _moment("resolved_sent_at"),
        _moment("refused_at"),
        sa.Column("refused", sa.String(300), nullable=True),
        sa.PrimaryKeyConstraint("destination", "alert_id", "episode", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_opened_sent_at", "deliveries", ["opened_sent_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("destination", DESTINATION, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("next_at", nullable=False),
        _moment("done_at"),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "change", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_done_at", "webhook_deliveries", ["done_at"])
