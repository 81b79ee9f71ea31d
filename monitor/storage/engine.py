"""Database connections, set up so that one transaction is one atomic, serialised step."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

BUSY_TIMEOUT_MS = 30_000  # how long a writer waits for another worker's transaction
# A worker that is frozen or cut off in the middle of a transaction holds its partition's row; after this the
# server ends its session, so that the partition's next owner can go on.
_IDLE_TRANSACTION_MS = 60_000
# A server that went away without a word must become an error that is retried, not a wait without end.
_POSTGRES = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

# The execution option of connections whose transactions only read.
_READS = "datashare_reads"


def open_engine(url: URL, *, read_only: bool = False) -> Engine:
    """Open an engine for SQLite or PostgreSQL.

    SQLite runs in WAL mode with BEGIN IMMEDIATE, so that writers queue instead of failing half-way, and with
    synchronous=NORMAL: a power cut may undo the last commits, but the offset is in the same transaction, so
    they are read from Kafka again.
    """
    if url.get_backend_name() != "sqlite":
        limits = f"-c lock_timeout={BUSY_TIMEOUT_MS}"
        if not read_only:
            limits += f" -c idle_in_transaction_session_timeout={_IDLE_TRANSACTION_MS}"
        return create_engine(
            url,
            pool_size=4,
            max_overflow=2,
            pool_pre_ping=True,
            connect_args={**_POSTGRES, "options": limits},
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late to be IMMEDIATE
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        else:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = read_only or connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def reading(engine: Engine) -> Engine:
    """The same database and connections, for transactions that only read: on SQLite no writer waits for them.

    A transaction that was begun so must not write: another's commit in between would make it fail.
    """
    return engine.execution_options(**{_READS: True})
