"""The tables. Times are UTC; hours are the hour's start in epoch seconds; durations are microseconds.

Every table that a worker writes has the source topic and partition in its key: a worker owns the rows
of its partitions and writes them whole, and reports sum over partitions.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

NAME = String(200)  # names on exchanges are at most this long
TOPIC = String(249)  # Kafka's limit


class Moment(TypeDecorator[datetime]):
    """A point in time as integer microseconds since 1970: exact, sortable and alike on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """To microseconds."""
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From microseconds."""
        return None if value is None else from_microseconds(value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(value: datetime) -> int:
    """A time as whole microseconds since 1970."""
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(value: int) -> datetime:
    """The time that is so many microseconds after 1970."""
    from datetime import timedelta

    return _EPOCH + timedelta(microseconds=value)


def _source() -> tuple[Column[str], Column[int]]:
    return Column("topic", TOPIC, primary_key=True), Column(
        "partition", Integer, primary_key=True, autoincrement=False
    )


def _pair() -> tuple[Column[str], Column[str], Column[str]]:
    return (
        Column("provider", NAME, primary_key=True),
        Column("consumer", NAME, primary_key=True),
        Column("service", NAME, primary_key=True),
    )


offsets = Table(
    "offsets",
    metadata,
    *_source(),
    # The next offset to read: the only truth about progress. Moved by compare-and-set, on this and on
    # `updated_at`, which each transaction and whoever takes the partition over changes.
    Column("next_offset", BigInteger, nullable=False),
    Column("newest", Moment),  # newest event time, from which lateness is told
    Column("id_generation", Integer, nullable=False, default=0),
    Column("id_begins_at_offset", BigInteger, nullable=False, default=0),
    Column("id_rotates_at", Moment),
    Column("ids_shortened", Integer, nullable=False, default=0),
    Column("events", BigInteger, nullable=False, default=0),
    Column("updated_at", Moment, nullable=False),
)

cells = Table(
    "cells",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *_pair(),
    *_source(),
    Column("ok", BigInteger, nullable=False),
    Column("fault", BigInteger, nullable=False),
    Column("denied", BigInteger, nullable=False),
    Column("timeout", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("request_bytes", BigInteger, nullable=False),
    Column("response_bytes", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("shortest_us", BigInteger),
    Column("longest_us", BigInteger, nullable=False),
    Column("slow", BigInteger, nullable=False),
    Column("breached", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("last_time", Moment, nullable=False),
    Column("latency", LargeBinary, nullable=False),
    Index(None, "topic", "partition", "hour"),
)

findings = Table(
    "findings",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *_pair(),
    Column("breach", String(40), primary_key=True),
    *_source(),
    Column("count", BigInteger, nullable=False),
    Column("denied", BigInteger, nullable=False),
    Column("first_time", Moment, nullable=False),
    Column("last_time", Moment, nullable=False),
    Column("samples", LargeBinary, nullable=False, comment="up to ten event ids, MessagePack"),
    Column("agreement", String(40)),
    Column("version", Integer, nullable=False),
    Index(None, "topic", "partition", "hour"),
)

rejected = Table(
    "rejected",
    metadata,
    *_source(),
    Column("reason", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_offset", BigInteger, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    *_source(),
    Column("kind", String(20), primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_time", Moment, nullable=False),
)

seen_ids = Table(
    "seen_ids",
    metadata,
    *_source(),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("ids", LargeBinary, nullable=False, comment="event ids, MessagePack"),
)

# One row an event, kept for MONITOR_SECURITY_RETENTION. `actor` and `subject` are pseudonyms.
security_events = Table(
    "security_events",
    metadata,
    *_source(),
    Column("source_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("id", NAME, nullable=False),
    Column("time", Moment, nullable=False),
    Column("agency", NAME, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("actor", NAME),
    Column("source_ip", String(45)),
    Column("service", NAME),
    Column("subject", NAME),
    Column("count", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("detail", Text, comment="JSON object of texts, numbers and booleans"),
    Index(None, "time"),
    Index(None, "agency", "time"),
    Index(None, "id"),
)

# What reports sum: kinds that are not listed count as `other`, so that rows are bounded.
security_counts = Table(
    "security_counts",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("agency", NAME, primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("severity", Integer, primary_key=True, autoincrement=False),
    *_source(),
    Column("count", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("last_time", Moment, nullable=False),
    Index(None, "topic", "partition", "hour"),
)

# One row an event. States and duties are worked out from them, so that none is deleted while it may matter.
lifecycle_events = Table(
    "lifecycle_events",
    metadata,
    *_source(),
    Column("source_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("id", NAME, nullable=False),
    Column("time", Moment, nullable=False),
    Column("agency", NAME, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("agreement", NAME),
    Column("service", NAME),
    Column("request", String(100)),
    Column("due", Date, comment="the last day"),
    Column("limit", String(20), comment="which limit a request has"),
    Index(None, "kind", "time"),
    # Whether a request is settled, and when: looked up for each that was made long ago.
    Index(None, "agency", "request", "kind", "time"),
    Index(None, "id"),
)

# One row a history file. Its rows in the other tables have its topic, this and what it is known by.
FILE_PREFIX = "file:"
history_files = Table(
    "history_files",
    metadata,
    *_source(),
    Column("head", String(64), nullable=False, comment="hash of the first record"),
    Column("kind", String(40), nullable=False),
    Column("form", String(20), nullable=False),
    Column("name", Text, nullable=False, comment="as it was last called, without its folder"),
    Column("position", BigInteger, nullable=False, comment="bytes, unpacked, that were counted"),
    Column("digest", String(64), nullable=False, comment="hash of those bytes"),
    Column("left_out", BigInteger, nullable=False, comment="records outside the times asked for"),
    Column("updated_at", Moment, nullable=False),
    Index(None, "head"),
)

# One row a security server that `monitor xroad pull` asks; moved once Kafka has what was answered.
xroad_collections = Table(
    "xroad_collections",
    metadata,
    Column("server", String(500), primary_key=True),
    Column("next_from", BigInteger, nullable=False, comment="epoch seconds to ask from"),
    Column("records", BigInteger, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

# Of calls over X-Road: microseconds, or bytes. `flagged` values would be negative and are in no other column.
xroad_measures = Table(
    "xroad_measures",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *_pair(),
    Column("measure", String(40), primary_key=True),
    *_source(),
    Column("count", BigInteger, nullable=False),
    Column("flagged", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("smallest", BigInteger),
    Column("largest", BigInteger),
    Column("histogram", LargeBinary, nullable=False),
    Index(None, "topic", "partition", "hour"),
)

# How calls were joined, why they failed, and what was wrong with their times.
xroad_counts = Table(
    "xroad_counts",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *_pair(),
    Column("what", String(60), primary_key=True),
    *_source(),
    Column("count", BigInteger, nullable=False),
    Index(None, "topic", "partition", "hour"),
)

# How far the clock of the producer's security server was ahead of the client's, in microseconds.
xroad_skews = Table(
    "xroad_skews",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("client_server", String(255), primary_key=True),
    Column("service_server", String(255), primary_key=True),
    *_source(),
    Column("samples", BigInteger, nullable=False),
    Column("median_us", BigInteger, nullable=False),
    Column("histogram", LargeBinary, nullable=False, comment="signed buckets, MessagePack"),
    Index(None, "topic", "partition", "hour"),
)

# Halves of calls whose partner has not come yet; a partition's own.
xroad_waiting = Table(
    "xroad_waiting",
    metadata,
    *_source(),
    Column("key", String(300), primary_key=True),
    Column("arrived_ms", BigInteger, nullable=False),
    Column("half", LargeBinary, nullable=False, comment="MessagePack"),
)

# Calls of which one half had waited in vain, of all partitions: one row a call, with the half that came, or
# both since the other came after all. Cells of the source `xroad-records:late` are the sums of these rows;
# whoever changes one holds the row of `xroad_turn` until the transaction's end.
xroad_late = Table(
    "xroad_late",
    metadata,
    Column("call", String(300), primary_key=True),
    Column("match", String(40), comment="where a partner can only be told by likeness"),
    Column("hour", BigInteger, nullable=False),
    Column("provider", NAME, nullable=False),
    Column("consumer", NAME, nullable=False),
    Column("service", NAME, nullable=False),
    Column("time", Moment, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("slow", Integer, nullable=False),
    Column("breaches", String(400), nullable=False, comment="separated by commas"),
    Column("agreement", String(40)),
    Column("version", Integer, nullable=False),
    Column("client", LargeBinary),
    Column("producer", LargeBinary),
    Column("topic", TOPIC, nullable=False, comment="whose half came first"),
    Column("partition", Integer, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Index(None, "hour", "provider", "consumer", "service"),
    Index(None, "match"),
)

xroad_turn = Table(
    "xroad_turn",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("turns", BigInteger, nullable=False),
)
