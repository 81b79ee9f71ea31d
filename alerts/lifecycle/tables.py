"""The tables of alerts. They belong to no partition: several may add to one alert, each in a transaction."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from monitor.storage.tables import NAME, Moment, metadata

ID = String(16)

# One row an id: whoever changes any of its alerts locks this row first, and rows of several in
# order of id. It also says which number the last episode got.
series = Table(
    "alert_series",
    metadata,
    Column("id", ID, primary_key=True),
    Column("last_episode", Integer, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", ID, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    Column("rule", NAME, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_vi", Text, nullable=False),
    Column("level", Integer, nullable=False, comment="1 informational to 5 critical"),
    Column("agency", NAME, nullable=False),
    Column("owner", Text, nullable=False),
    Column("grouped_by", Text, nullable=False, comment="[[field, value]], JSON"),
    Column("tags", Text, nullable=False, comment="JSON"),
    Column("risk_score", Integer, nullable=False),
    Column("leak", Boolean, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("quiet", Integer, nullable=False, comment="seconds of event time"),
    Column("first_time", Moment, nullable=False),
    Column("last_time", Moment, nullable=False),
    Column("quiet_until", Moment, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False, comment="[[milliseconds, event id]], JSON: the first"),
    Column("latest", Text, nullable=False, comment="likewise: the last"),
    Column("facts", Text, nullable=False, comment="JSON"),
    Column("opened_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("acknowledged_at", Moment),
    Column("acknowledged_by", String(60), comment="a desk, never a person"),
    Column("acknowledged_why", Text),
    Column("resolved_at", Moment),
    Column("repeats", Integer, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("next_repeat_at", Moment),
    Index(None, "state", "rule"),
    Index(None, "state", "id"),
    Index(None, "id", "quiet_until"),
    Index(None, "agency"),
    Index(None, "rule"),
    Index(None, "changed_at"),
    Index(None, "resolved_at"),
)

# What happened to alerts, one row a change; and, until it is published, the message that says so.
outbox = Table(
    "alert_events",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("change", String(20), nullable=False),
    Column("at", Moment, nullable=False),
    Column("desk", String(60)),
    Column("note", Text, nullable=False),
    Column("body", Text, comment="the message, JSON; empty once it is published"),
    Column("published_at", Moment),
    Index(None, "id", "episode"),
    Index(None, "published_at", "number"),
    Index(None, "at"),
)
