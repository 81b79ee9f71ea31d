"""The tables of dossiers: one row a dossier, and what dossiers count for by local day."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, LargeBinary, String, Table

from monitor.storage.tables import NAME, TOPIC, Moment, metadata

# One row a dossier, read when it is touched. `counted` is what stands in `dossier_cells` for it, so that it
# can be taken out exactly, whatever rules or calendar it was counted by.
dossiers = Table(
    "dossiers",
    metadata,
    Column("topic", TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("agency", NAME, primary_key=True),
    Column("dossier", String(100), primary_key=True),
    Column("state", LargeBinary, nullable=False, comment="monitor.dossiers.state.Dossier, MessagePack"),
    Column("counted", LargeBinary, nullable=False, comment="group and counts by day, MessagePack"),
    Column("ended", Integer, nullable=False, comment="1: completed or withdrawn"),
    Column("last_time", Moment, nullable=False),
    Index(None, "ended", "last_time"),
)

# Days to come hold what lapses when they end and nothing else comes first.
dossier_cells = Table(
    "dossier_cells",
    metadata,
    Column("day", Date, primary_key=True),
    Column("agency", NAME, primary_key=True),
    Column("procedures", String(40), primary_key=True),
    Column("measure", String(40), primary_key=True),
    Column("topic", TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Index(None, "topic", "partition", "day"),
)
