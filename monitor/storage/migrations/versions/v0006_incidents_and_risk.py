"""Incidents with their audit trail and numbers, and risk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NAME = sa.String(200)


def _text(*names: str, comment: str | None = None) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False, comment=comment) for name in names]


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """Create the tables of incidents and of risk."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        *_text("what"),
        _number("detected_at"),
        _number("due_at"),
        sa.Column("personal_data", sa.String(10), nullable=False),
        *_text("categories", comment="JSON list"),
        _number("records", nullable=True),
        _number("persons", nullable=True),
        *_text("services", "agreements", comment="JSON list"),
        *_text("alerts", "events", comment="JSON list of ids"),
        *_text("slots", comment="JSON object: what people told for the notice"),
        sa.Column("status", sa.String(20), nullable=False),
        _number("notified_at", nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _number("running_since"),
        sa.Column(
            "warned",
            sa.Integer(),
            nullable=True,
            comment="hours left at the last threshold that was alerted on",
        ),
        _number("opened_at"),
        _number("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_source", "incidents", ["source"], unique=True)
    op.create_index("ix_incidents_status_due_at", "incidents", ["status", "due_at"])
    op.create_table(
        "incident_changes",
        sa.Column("incident", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        _number("at"),
        sa.Column("desk", sa.String(100), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        *_text("changed", comment="JSON object: the new values"),
        sa.PrimaryKeyConstraint("incident", "number", name="pk_incident_changes"),
    )
    op.create_table(
        "incident_sources",
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("incident", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_incident_sources"),
    )
    op.create_table(
        "incident_numbers",
        sa.Column("year", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_incident_numbers"),
    )
    op.create_table(
        "risk",
        sa.Column("day", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("agency", NAME, nullable=False),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("topic", sa.String(249), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        _number("count"),
        _number("last_time"),
        sa.PrimaryKeyConstraint("day", "agency", "rule", "topic", "partition", name="pk_risk"),
    )
    op.create_index("ix_risk_topic_partition_day", "risk", ["topic", "partition", "day"])
