"""Leases: of several workers on one database, one at a time does a piece of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    String,
    Table,
    cast,
    delete,
    or_,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from monitor.storage.tables import Moment, metadata, to_microseconds

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", Moment, nullable=False),
)


def take_lease(
    connection: Connection, name: str, holder: str, length: timedelta, now: datetime | None = None
) -> bool:
    """Take or renew the lease `name` for `length`; False while another holder's is running.

    Without `now` the database's clock decides, which all workers share. Raises sqlalchemy.exc.DBAPIError.
    """
    clock = _now(connection, now)
    ends = type_coerce(clock + to_microseconds_of(length), Moment)
    mine = (
        update(leases)
        .where(leases.c.name == name)
        .where(or_(leases.c.holder == holder, type_coerce(leases.c.until, BigInteger) <= clock))
        .values(holder=holder, until=ends)
    )
    if connection.execute(mine).rowcount == 1:
        return True
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    # Of two that find no row, one writes it.
    first = dialect.insert(leases).values(name=name, holder=holder, until=ends).on_conflict_do_nothing()
    return connection.execute(first.returning(leases.c.name)).first() is not None


def release_lease(connection: Connection, name: str, holder: str) -> None:
    """Give the lease up, if it is this holder's: the next one need not wait for its end."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def to_microseconds_of(length: timedelta) -> int:
    """A span of time as whole microseconds."""
    return length // timedelta(microseconds=1)


def _now(connection: Connection, now: datetime | None) -> ColumnElement[int]:
    if now is not None:
        return cast(to_microseconds(now), BigInteger)
    if connection.dialect.name == "postgresql":
        # clock_timestamp and not now(): the transaction may have waited for a lock since it began.
        written = "extract(epoch FROM clock_timestamp()) * 1000000"
    else:
        # Days since noon of an early date; 2440587.5 of them before 1970. Exact to the millisecond.
        written = "round((julianday('now') - 2440587.5) * 86400000) * 1000"
    return cast(text(written), BigInteger)


class Lease:
    """One holder's view of a lease: it holds only as long as it can be sure of, by its own clock.

    The calls to `take` and `release` wait for the database: keep them out of an event loop.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        holder: str,
        length: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._name = name
        self._holder = holder
        self._length = length
        self._clock = clock
        self._until = float("-inf")
        # A renewal that is still under way must not come after the release.
        self._turn = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether it is held at this moment, without asking the database."""
        return self._clock() < self._until

    def take(self) -> bool:
        """Take or renew it; False when another has it.

        Raises sqlalchemy.exc.DBAPIError; what was held is held on to its end then.
        """
        # Counted from before the question: the database's answer may have been long under way.
        with self._turn:
            asked = self._clock()
            with self._engine.begin() as connection:
                taken = take_lease(connection, self._name, self._holder, self._length)
            self._until = asked + self._length.total_seconds() if taken else float("-inf")
        return taken

    def keep(self) -> bool:
        """Whether it is held; the database is asked only when half of it is over, or another has it.

        For work that comes often: taking it each time would be a transaction each time. Raises as `take`.
        """
        return self._clock() < self._until - self._length.total_seconds() / 2 or self.take()

    def release(self) -> None:
        """Give it up; nothing when another has it. Raises sqlalchemy.exc.DBAPIError."""
        with self._turn:
            self._until = float("-inf")
            with self._engine.begin() as connection:
                release_lease(connection, self._name, self._holder)
