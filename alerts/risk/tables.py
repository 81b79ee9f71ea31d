"""The table of risk: what was detected of each agency by each rule and day, whole numbers that add up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from monitor.storage.tables import NAME, TOPIC, Moment, metadata

risk = Table(
    "risk",
    metadata,
    # The day (UTC, of event time) as a number since 1970.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("agency", NAME, primary_key=True),
    Column("rule", String(100), primary_key=True),
    Column("topic", TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("weight", Integer, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("last_time", Moment, nullable=False),
    Index(None, "topic", "partition", "day"),
)
