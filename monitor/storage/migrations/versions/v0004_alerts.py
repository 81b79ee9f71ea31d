"""Alerts: what is open and what was, and what happened to each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.String(16)
NAME = sa.String(200)


def _text(name: str, *, nullable: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _number(name: str, *, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, comment=comment)


def _time(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    """Create the tables of alerts."""
    op.create_table(
        "alert_series",
        sa.Column("id", ID, nullable=False),
        _number("last_episode"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_series"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", ID, nullable=False),
        _number("episode"),
        sa.Column("rule", NAME, nullable=False),
        _text("title"),
        _text("title_vi"),
        _number("level", comment="1 informational to 5 critical"),
        sa.Column("agency", NAME, nullable=False),
        _text("owner"),
        _text("grouped_by", comment="[[field, value]], JSON"),
        _text("tags", comment="JSON"),
        _number("risk_score"),
        sa.Column("leak", sa.Boolean(), nullable=False),
        _text("runbook"),
        _number("quiet", comment="seconds of event time"),
        *[_time(name) for name in ("first_time", "last_time", "quiet_until", "count")],
        _text("evidence", comment="[[milliseconds, event id]], JSON: the first"),
        _text("latest", comment="likewise: the last"),
        _text("facts", comment="JSON"),
        _time("opened_at"),
        _time("changed_at"),
        sa.Column("state", sa.String(10), nullable=False),
        _time("acknowledged_at", nullable=True),
        sa.Column("acknowledged_by", sa.String(60), nullable=True, comment="a desk, never a person"),
        _text("acknowledged_why", nullable=True),
        _time("resolved_at", nullable=True),
        _number("repeats"),
        _number("suppressed"),
        _time("next_repeat_at", nullable=True),
        sa.PrimaryKeyConstraint("id", "episode", name="pk_alerts"),
    )
    for columns in (
        ["state", "rule"],
        ["state", "id"],
        ["id", "quiet_until"],
        ["agency"],
        ["rule"],
        ["changed_at"],
        ["resolved_at"],
    ):
        op.create_index(f"ix_alerts_{'_'.join(columns)}", "alerts", columns)
    op.create_table(
        "alert_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        sa.Column("id", ID, nullable=False),
        _number("episode"),
        sa.Column("change", sa.String(20), nullable=False),
        _time("at"),
        sa.Column("desk", sa.String(60), nullable=True),
        _text("note"),
        _text("body", nullable=True, comment="the message, JSON; empty once it is published"),
        _time("published_at", nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_alert_events"),
    )
    for columns in (["id", "episode"], ["published_at", "number"], ["at"]):
        op.create_index(f"ix_alert_events_{'_'.join(columns)}", "alert_events", columns)
