"""From when a security server is to be asked next: kept in the database, moved once Kafka has the records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select, update

from monitor.storage import tables
from monitor.storage.progress import Fenced
from monitor.storage.upsert import insert_new

_collections = tables.xroad_collections


class Position:
    """The row of one server. Moved by compare-and-set, so that of two collectors one lets go."""

    def __init__(self, engine: Engine, server: str) -> None:
        self._engine = engine
        self.server = server
        self.next_from = 0
        self.records = 0
        self._unnoted: tuple[int, int] | None = None  # what Kafka has, where the database does not say so yet

    def load(self, first_from: int, now: datetime) -> None:
        """Read it, or begin at `first_from` (epoch seconds). Raises sqlalchemy.exc.DBAPIError."""
        begun = {"server": self.server, "next_from": first_from, "records": 0, "updated_at": now}
        with self._engine.begin() as connection:
            insert_new(connection, _collections, [begun])
            columns = _collections.c
            query = select(columns.next_from, columns.records).where(columns.server == self.server)
            self.next_from, self.records = connection.execute(query).one()

    def move(self, next_from: int, records: int, now: datetime) -> None:
        """Note that all records before `next_from` are in Kafka, `records` more than before.

        Raises Fenced when another collector has moved it, and sqlalchemy.exc.DBAPIError: `note` makes up for
        that.
        """
        self._unnoted = (next_from, self.records + records)
        self.note(now)

    def note(self, now: datetime) -> None:
        """Note what `move` could not, so that it is not published again. Raises as `move` does."""
        if self._unnoted is None:
            return
        next_from, records = self._unnoted
        columns = _collections.c
        with self._engine.begin() as connection:
            moved = connection.execute(
                update(_collections)
                .where(
                    columns.server == self.server,
                    columns.next_from == self.next_from,
                    columns.records == self.records,
                )
                .values(next_from=next_from, records=records, updated_at=now)
            )
            if moved.rowcount != 1:
                raise Fenced(f"another collector asks {self.server}: this one lets go")
        self.next_from, self.records, self._unnoted = next_from, records, None
