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
        self._server = server
        self.next_from = 0
        self.records = 0

    def load(self, first_from: int, now: datetime) -> None:
        """Read it, or begin at `first_from` (epoch seconds). Raises sqlalchemy.exc.DBAPIError."""
        begun = {"server": self._server, "next_from": first_from, "records": 0, "updated_at": now}
        with self._engine.begin() as connection:
            insert_new(connection, _collections, [begun])
            columns = _collections.c
            query = select(columns.next_from, columns.records).where(columns.server == self._server)
            self.next_from, self.records = connection.execute(query).one()

    def move(self, next_from: int, records: int, now: datetime) -> None:
        """Note that all records before `next_from` are in Kafka, `records` more than before.

        Raises Fenced when another collector has moved it, sqlalchemy.exc.DBAPIError.
        """
        columns = _collections.c
        with self._engine.begin() as connection:
            moved = connection.execute(
                update(_collections)
                .where(
                    columns.server == self._server,
                    columns.next_from == self.next_from,
                    columns.records == self.records,
                )
                .values(next_from=next_from, records=self.records + records, updated_at=now)
            )
            if moved.rowcount != 1:
                raise Fenced(f"another collector asks {self._server}: this one lets go")
        self.next_from, self.records = next_from, self.records + records
