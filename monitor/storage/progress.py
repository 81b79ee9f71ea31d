"""What every partition has in the database, whatever is counted: its offset, ids, rejections and gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, select, update

from monitor.errors import MonitorError
from monitor.events.rejection import Reason, Rejection
from monitor.ledger.changes import GapKey
from monitor.ledger.ids import IdMemory, IdState
from monitor.ledger.partition import OTHER_NAMES
from monitor.storage import tables
from monitor.storage.rows import rows_under
from monitor.storage.upsert import Row, insert_new, upsert

FROM_THE_BEGINNING = -1  # next_offset of a partition of which nothing was read yet
MAX_GAP_NAMES = 5000  # unregistered names kept per partition; a flood beyond counts as OTHER_NAMES

Also = Callable[[Connection], None]
"""Something else to write in the same transaction, once the offset has moved."""

# Statements that every commit runs are made once: making one takes several times as long as running it.
_move = update(tables.offsets).where(
    tables.offsets.c.topic == bindparam("of_topic"),
    tables.offsets.c.partition == bindparam("of_partition"),
    tables.offsets.c.next_offset == bindparam("expected"),
    # Each transaction changes this one, though time alone that passes for rules moves no offset.
    tables.offsets.c.updated_at == bindparam("expected_update"),
)
_take_over = update(tables.offsets).where(
    tables.offsets.c.topic == bindparam("of_topic"), tables.offsets.c.partition == bindparam("of_partition")
)
_append_ids = insert(tables.seen_ids)
_packer = msgspec.msgpack.Encoder()
_unpack_ids = msgspec.msgpack.Decoder(list[str])


class Fenced(MonitorError):
    """Another worker has taken the partition over or written it since: it owns the partition now."""


@dataclass(slots=True)
class Resumption:
    """Where a partition was left: all that its ledger needs to go on."""

    next_offset: int
    newest: datetime | None
    ids: IdMemory


class Noted(Protocol):
    """What a ledger has noted since the last commit, beside its figures."""

    next_offset: int
    newest: datetime | None
    id_state: IdState
    events: int
    gaps: dict[GapKey, int]
    rejected: dict[Reason, int]
    ids: dict[int, list[str]]
    rejections: list[tuple[int, Rejection]]


class Progress:
    """Reads and writes these rows of one (topic, partition), within the transactions of its store.

    In one transaction: `move` first, then `write`; after its commit, `settle`, which alone alters memory.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.source: Row = {"topic": topic, "partition": partition}  # the columns that say whose a row is
        self._expected = FROM_THE_BEGINNING
        self._updated_at: datetime | None = None
        self._events = 0
        self._id_state = IdState()
        self._rejected: dict[str, int] = {}
        self._gap_names: set[GapKey] = set()
        self._pending: tuple[Mapping[str, int], set[GapKey]] = ({}, set())
        self._moved_at: datetime | None = None  # by the transaction under way

    def mine(self, table: Table) -> Any:
        """The condition for this partition's rows of a table."""
        return and_(table.c.topic == self.topic, table.c.partition == self.partition)

    def load(self, connection: Connection, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over, and read where it was left, or note that it begins.

        From here on whoever had it before is Fenced, so that what is read after this stays as it is.
        """
        ids = IdMemory(window, max_ids)
        begins = {**self.source, "next_offset": FROM_THE_BEGINNING, "events": 0, "updated_at": now}
        begins |= {"id_generation": 0, "id_begins_at_offset": 0, "ids_shortened": 0}
        insert_new(connection, tables.offsets, [begins])
        connection.execute(
            _take_over, {"of_topic": self.topic, "of_partition": self.partition, "updated_at": now}
        )
        mine = select(tables.offsets).where(self.mine(tables.offsets))
        row = connection.execute(mine).mappings().one()
        self._updated_at = row["updated_at"]
        self._expected = row["next_offset"]
        self._events = row["events"]
        ids.generation = row["id_generation"]
        ids.begins_at_offset = row["id_begins_at_offset"]
        ids.rotates_at = row["id_rotates_at"]
        ids.shortened = row["ids_shortened"]
        self._id_state = ids.state
        self._load_ids(connection, ids)
        rejections = select(tables.rejected.c.reason, tables.rejected.c["count"]).where(
            self.mine(tables.rejected)
        )
        self._rejected = {row[0]: row[1] for row in connection.execute(rejections)}
        gaps = select(tables.gaps.c.kind, tables.gaps.c.name).where(self.mine(tables.gaps))
        self._gap_names = {GapKey(kind, name) for kind, name in connection.execute(gaps)}
        return Resumption(row["next_offset"], row["newest"], ids)

    def move(self, connection: Connection, noted: Noted, now: datetime) -> None:
        """Move the offset by compare-and-set. Raises Fenced when another worker has the partition."""
        ids = noted.id_state
        moved = connection.execute(
            _move,
            {
                "of_topic": self.topic,
                "of_partition": self.partition,
                "expected": self._expected,
                "expected_update": self._updated_at,
                "next_offset": noted.next_offset,
                "newest": noted.newest,
                "id_generation": ids.generation,
                "id_begins_at_offset": ids.begins_at_offset,
                "id_rotates_at": ids.rotates_at,
                "ids_shortened": ids.shortened,
                "events": self._events + noted.events,
                "updated_at": now,
            },
        )
        if moved.rowcount != 1:
            where = f"{self.topic}/{self.partition}"
            raise Fenced(f"{where}: another worker has it since offset {self._expected}; letting go")
        self._moved_at = now

    def write(self, connection: Connection, noted: Noted, now: datetime) -> None:
        """Write rejections and gaps whole, and append the ids."""
        rejected = self._write_rejected(connection, noted)
        self._pending = rejected, self._write_gaps(connection, noted, now)
        self._write_ids(connection, noted)

    def settle(self, noted: Noted) -> int:
        """Take over what the committed transaction wrote; return how often ids were forgotten too early."""
        shortened = noted.id_state.shortened - self._id_state.shortened
        self._expected = noted.next_offset
        self._updated_at = self._moved_at
        self._events += noted.events
        self._id_state = noted.id_state
        self._rejected.update(self._pending[0])
        self._gap_names |= self._pending[1]
        return shortened

    def _load_ids(self, connection: Connection, ids: IdMemory) -> None:
        seen = tables.seen_ids.c
        query = select(seen.generation, seen.ids).where(
            self.mine(tables.seen_ids), seen.generation >= ids.generation - 1
        )
        for generation, packed in connection.execute(query):
            ids.restore(generation, _unpack_ids.decode(packed))

    def _write_rejected(self, connection: Connection, noted: Noted) -> dict[str, int]:
        totals = {
            str(reason): self._rejected.get(reason, 0) + count for reason, count in noted.rejected.items()
        }
        last = max((offset for offset, _ in noted.rejections), default=0)
        upsert(
            connection,
            tables.rejected,
            [
                {**self.source, "reason": reason, "count": count, "last_offset": last}
                for reason, count in totals.items()
            ],
        )
        return totals

    def _write_gaps(self, connection: Connection, noted: Noted, now: datetime) -> set[GapKey]:
        names = set(self._gap_names)
        counts: dict[GapKey, int] = {}
        for key, count in noted.gaps.items():
            kept = key
            if key not in names and len(names) >= MAX_GAP_NAMES:
                kept = GapKey(key.kind, OTHER_NAMES)
            names.add(kept)
            counts[kept] = counts.get(kept, 0) + count
        known = [key for key in counts if key in self._gap_names]
        for row in rows_under(connection, tables.gaps, GapKey._fields, known, self.source):
            counts[GapKey(row["kind"], row["name"])] += row["count"]
        upsert(
            connection,
            tables.gaps,
            [
                {**self.source, "kind": key.kind, "name": key.name, "count": count, "last_time": now}
                for key, count in counts.items()
            ],
        )
        return names

    def _write_ids(self, connection: Connection, noted: Noted) -> None:
        seen = tables.seen_ids
        rows = [
            {
                **self.source,
                "generation": generation,
                "next_offset": noted.next_offset,
                "ids": _packer.encode(new),
            }
            for generation, new in noted.ids.items()
            if new
        ]
        if rows:
            connection.execute(_append_ids, rows)
        generation = noted.id_state.generation
        if generation != self._id_state.generation:
            connection.execute(delete(seen).where(self.mine(seen), seen.c.generation < generation - 1))
