"""The tables of detectors' memory: a partition's rows belong to the worker that has it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from monitor.storage.tables import NAME, TOPIC, Moment, metadata

FINGERPRINT = String(100)
GROUP_KEY = String(32)  # a group may be longer than a key should be: this is its hash


def _source() -> tuple[Column[str], Column[int]]:
    return Column("topic", TOPIC, primary_key=True), Column(
        "partition", Integer, primary_key=True, autoincrement=False
    )


progress = Table(
    "detector_progress",
    metadata,
    *_source(),
    Column("format", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("newest", Moment),
    Column("watermark", Moment),
    Column("advanced", Moment),
    Column("counters", LargeBinary, nullable=False, comment="figures by name, MessagePack"),
)

journal = Table(
    "detector_journal",
    metadata,
    *_source(),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("steps", LargeBinary, nullable=False, comment="what was done to states, MessagePack"),
)

states = Table(
    "detector_states",
    metadata,
    *_source(),
    Column("rule", NAME, primary_key=True),
    Column("group_key", GROUP_KEY, primary_key=True),
    Column("rule_fingerprint", FINGERPRINT, nullable=False),
    # The last commit whose steps the state holds.
    Column("sequence", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False, comment="[group, state], MessagePack"),
)
