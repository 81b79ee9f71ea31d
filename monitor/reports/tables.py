"""The record of every report that was made: from what, when, for whom, its figures; and by the schedule."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from monitor.storage.tables import NAME, Moment, metadata

report_runs = Table(
    "report_runs",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("period", String(10), nullable=False),
    Column("agency", NAME, nullable=False, comment="a present code; empty: the national report"),
    Column("language", String(2), nullable=False),
    Column("issuer", String(200), comment="an office or role, never a person"),
    Column("made_at", Moment, nullable=False),
    Column("state", String(10), nullable=False, comment="draft or signed"),
    Column("signed_at", Moment),
    Column("signed_by", String(200), comment="an office or role, never a person"),
    Column("fingerprint", String(64), nullable=False),
    Column("narrative", Text, nullable=False, comment="what people wrote, JSON"),
    Column("figures", LargeBinary, nullable=False, comment="the report, JSON, compressed"),
    Index(None, "period", "agency", "language", "state"),
)

scheduled_reports = Table(
    "scheduled_reports",
    metadata,
    Column("period", String(10), primary_key=True),
    Column("agency", NAME, primary_key=True, comment="a present code; empty: the national report"),
    Column("language", String(2), primary_key=True),
    Column("issue", String(10), primary_key=True, comment="first or again"),
    Column("made_at", Moment, nullable=False),
    Column("run", BigInteger, comment="in report_runs, as long as it is kept; null: nothing had changed"),
)
"""What the schedule has made, so that a restart repeats nothing and skips nothing."""
