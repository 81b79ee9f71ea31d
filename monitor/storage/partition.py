"""One source partition in the database: what is loaded when it is taken over, and its one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from monitor.errors import MonitorError
from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger import histogram
from monitor.ledger.cell import Cell, CellKey, cell_of
from monitor.ledger.changes import Changes, GapKey
from monitor.ledger.finding import Finding, FindingKey
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import OTHER_NAMES
from monitor.storage import tables
from monitor.storage.upsert import Row, upsert

FROM_THE_BEGINNING = -1  # next_offset of a partition of which nothing was read yet
KEYS_PER_QUERY = 400  # SQLite and PostgreSQL both take that many four-part keys in one statement
MAX_GAP_NAMES = 5000  # unregistered names kept per partition; a flood beyond counts as OTHER_NAMES
HOUR_S = 3600
# One event may claim up to 2**53 bytes, and a column holds less than 2**63: a thousand such claims must not
# make the transaction fail for ever. No real hour comes near; sums over a thousand such cells still fit.
LARGEST_SUM = 2**53
CACHED_HOURS = 2  # cells of the newest hours stay in memory; older ones are read again when touched

_packer = msgspec.msgpack.Encoder()
_unpack_ids = msgspec.msgpack.Decoder(list[str])


class Fenced(MonitorError):
    """Another worker has moved the partition's offset: it owns the partition now."""


@dataclass(slots=True)
class Resumption:
    """Where a partition was left: all that its ledger needs to go on."""

    next_offset: int
    newest: datetime | None
    ids: IdMemory


@dataclass(slots=True)
class Written:
    """What a committed transaction added, for the metrics."""

    additions: list[tuple[Terms, Cell]]
    breaches: list[tuple[Pair, Breach, int]]
    ids_shortened: int


class PartitionStore:
    """Reads and writes the rows of one (topic, partition); used by one thread at a time."""

    def __init__(self, engine: Engine, topic: str, partition: int) -> None:
        self.engine = engine
        self.topic = topic
        self.partition = partition
        self._expected = FROM_THE_BEGINNING
        self._events = 0
        self._newest_hour: int | None = None  # of the cells in the database
        self._shortened = 0
        self._generation = 0
        self._cells: dict[CellKey, Cell] = {}
        self._findings: dict[FindingKey, Finding] = {}
        self._rejected: dict[str, int] = {}
        self._gap_names: set[GapKey] = set()

    def load(self, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over: read its offset and ids, or note that it begins.

        `window` (event time) and `max_ids` bound the memory of ids. Raises sqlalchemy.exc.DBAPIError.
        """
        ids = IdMemory(window, max_ids)
        with self.engine.begin() as connection:
            row = (
                connection.execute(select(tables.offsets).where(self._mine(tables.offsets)))
                .mappings()
                .first()
            )
            if row is None:
                self._claim(connection, now)
                return Resumption(FROM_THE_BEGINNING, None, ids)
            self._expected = row["next_offset"]
            self._events = row["events"]
            ids.generation = self._generation = row["id_generation"]
            ids.begins_at_offset = row["id_begins_at_offset"]
            ids.rotates_at = row["id_rotates_at"]
            ids.shortened = self._shortened = row["ids_shortened"]
            self._load_ids(connection, ids)
            self._newest_hour = connection.execute(
                select(func.max(tables.cells.c.hour)).where(self._mine(tables.cells))
            ).scalar_one()
            rejections = select(tables.rejected.c.reason, tables.rejected.c["count"]).where(
                self._mine(tables.rejected)
            )
            self._rejected = {row[0]: row[1] for row in connection.execute(rejections)}
            self._gap_names = {
                GapKey(kind, name)
                for kind, name in connection.execute(
                    select(tables.gaps.c.kind, tables.gaps.c.name).where(self._mine(tables.gaps))
                )
            }
            return Resumption(row["next_offset"], row["newest"], ids)

    def calls(self, begins: int, ends: int) -> Mapping[Pair, int]:
        """Count the exchanges of each pair in the hours from `begins` to before `ends` (epoch seconds)."""
        if self._newest_hour is None or begins > self._newest_hour:
            return {}
        cells = tables.cells.c
        total = func.sum(cells.ok + cells.fault + cells.denied + cells.timeout)
        query = (
            select(cells.provider, cells.consumer, cells.service, total)
            .where(self._mine(tables.cells), cells.hour >= begins, cells.hour < ends)
            .group_by(cells.provider, cells.consumer, cells.service)
        )
        with self.engine.connect() as connection:
            return {Pair(*row[:3]): int(row[3]) for row in connection.execute(query)}

    def write(self, changes: Changes, now: datetime) -> Written:
        """Write what was counted and the next offset, in one transaction.

        1. Move the offset by compare-and-set: from here on no other worker can, until the end.
        2. Read the rows that are touched but not held in memory.
        3. Write cells, findings, rejections and gaps whole; append the ids.
        4. Commit; only then does memory take over what was written.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        added = {
            CellKey(hour, pair): (tally.terms, cell_of(tally))
            for hour, tallies in changes.tallies.items()
            for pair, tally in tallies.items()
            if tally.counted  # one that was opened for an event that could not be judged has nothing
        }
        events = self._events + changes.events
        with self.engine.begin() as connection:
            self._move_offset(connection, changes, events, now)
            cells = self._merged_cells(connection, {key: cell for key, (_, cell) in added.items()})
            findings = self._merged_findings(connection, changes.findings)
            upsert(connection, tables.cells, [self._cell_row(key, cell) for key, cell in cells.items()])
            upsert(
                connection,
                tables.findings,
                [self._finding_row(key, found) for key, found in findings.items()],
            )
            rejected = self._write_rejected(connection, changes)
            gap_names = self._write_gaps(connection, changes, now)
            self._write_ids(connection, changes)
        self._expected = changes.next_offset
        self._events = events
        shortened = changes.id_state.shortened - self._shortened
        self._shortened = changes.id_state.shortened
        self._generation = changes.id_state.generation
        self._cells.update(cells)
        self._findings.update(findings)
        self._rejected.update(rejected)
        self._gap_names |= gap_names
        self._cool_down(changes)
        breaches = [(key.pair, key.breach, found.count) for key, found in changes.findings.items()]
        return Written(list(added.values()), breaches, shortened)

    # The transaction's steps

    def _claim(self, connection: Connection, now: datetime) -> None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        row = {**self._source(), "next_offset": FROM_THE_BEGINNING, "events": 0, "updated_at": now}
        row |= {"id_generation": 0, "id_begins_at_offset": 0, "ids_shortened": 0}
        connection.execute(dialect.insert(tables.offsets).on_conflict_do_nothing(), row)

    def _move_offset(self, connection: Connection, changes: Changes, events: int, now: datetime) -> None:
        ids = changes.id_state
        moved = connection.execute(
            update(tables.offsets)
            .where(self._mine(tables.offsets), tables.offsets.c.next_offset == self._expected)
            .values(
                next_offset=changes.next_offset,
                newest=changes.newest,
                id_generation=ids.generation,
                id_begins_at_offset=ids.begins_at_offset,
                id_rotates_at=ids.rotates_at,
                ids_shortened=ids.shortened,
                events=events,
                updated_at=now,
            )
        )
        if moved.rowcount != 1:
            raise Fenced(
                f"{self.topic}/{self.partition}: another worker moved offset {self._expected}; letting go"
            )

    def _merged_cells(self, connection: Connection, added: Mapping[CellKey, Cell]) -> dict[CellKey, Cell]:
        known = self._cells
        unknown = [key for key in added if key not in known and self._may_exist(key.hour)]
        stored = {}
        for row in self._rows(connection, tables.cells, [(key.hour, *key.pair) for key in unknown]):
            stored[CellKey(row["hour"], _pair_of(row))] = _cell_of_row(row)
        merged = {}
        for key, cell in added.items():
            before = known.get(key) or stored.get(key)
            merged[key] = before.plus(cell) if before else cell
        return merged

    def _merged_findings(
        self, connection: Connection, added: Mapping[FindingKey, Finding]
    ) -> dict[FindingKey, Finding]:
        known = self._findings
        unknown = [key for key in added if key not in known and self._may_exist(key.hour)]
        stored = {}
        keys = sorted({(key.hour, *key.pair) for key in unknown})
        for row in self._rows(connection, tables.findings, keys):
            stored[FindingKey(row["hour"], _pair_of(row), Breach(row["breach"]))] = _finding_of_row(row)
        merged = {}
        for key, finding in added.items():
            before = known.get(key) or stored.get(key)
            merged[key] = before.plus(finding) if before else finding
        return merged

    def _rows(
        self, connection: Connection, table: Table, keys: list[tuple[Any, ...]]
    ) -> Iterable[RowMapping]:
        columns = tuple_(table.c.hour, table.c.provider, table.c.consumer, table.c.service)
        for start in range(0, len(keys), KEYS_PER_QUERY):
            query = select(table).where(columns.in_(keys[start : start + KEYS_PER_QUERY]), self._mine(table))
            yield from connection.execute(query).mappings()

    def _write_rejected(self, connection: Connection, changes: Changes) -> dict[str, int]:
        totals = {
            str(reason): self._rejected.get(reason, 0) + count for reason, count in changes.rejected.items()
        }
        last = max((offset for offset, _ in changes.rejections), default=0)
        upsert(
            connection,
            tables.rejected,
            [
                {**self._source(), "reason": reason, "count": count, "last_offset": last}
                for reason, count in totals.items()
            ],
        )
        return totals

    def _write_gaps(self, connection: Connection, changes: Changes, now: datetime) -> set[GapKey]:
        names = set(self._gap_names)
        counts: dict[GapKey, int] = {}
        for key, count in changes.gaps.items():
            kept = key
            if key not in names and len(names) >= MAX_GAP_NAMES:
                kept = GapKey(key.kind, OTHER_NAMES)
            names.add(kept)
            counts[kept] = counts.get(kept, 0) + count
        known = [key for key in counts if key in self._gap_names]
        gaps = tables.gaps.c
        for start in range(0, len(known), KEYS_PER_QUERY):
            keys = [tuple(key) for key in known[start : start + KEYS_PER_QUERY]]
            query = select(gaps.kind, gaps.name, gaps["count"]).where(
                tuple_(gaps.kind, gaps.name).in_(keys), self._mine(tables.gaps)
            )
            for kind, name, before in connection.execute(query):
                counts[GapKey(kind, name)] += before
        upsert(
            connection,
            tables.gaps,
            [
                {**self._source(), "kind": key.kind, "name": key.name, "count": count, "last_time": now}
                for key, count in counts.items()
            ],
        )
        return names

    def _write_ids(self, connection: Connection, changes: Changes) -> None:
        seen = tables.seen_ids
        rows = [
            {
                **self._source(),
                "generation": generation,
                "next_offset": changes.next_offset,
                "ids": _packer.encode(new),
            }
            for generation, new in changes.ids.items()
            if new
        ]
        if rows:
            connection.execute(insert(seen), rows)
        generation = changes.id_state.generation
        if generation != self._generation:
            connection.execute(delete(seen).where(self._mine(seen), seen.c.generation < generation - 1))

    # Rows

    def _load_ids(self, connection: Connection, ids: IdMemory) -> None:
        seen = tables.seen_ids.c
        query = select(seen.generation, seen.ids).where(
            self._mine(tables.seen_ids), seen.generation >= ids.generation - 1
        )
        for generation, packed in connection.execute(query):
            ids.restore(generation, _unpack_ids.decode(packed))

    def _cell_row(self, key: CellKey, cell: Cell) -> Row:
        return {
            **self._source(),
            **key.pair._asdict(),
            "hour": key.hour,
            "ok": cell.ok,
            "fault": cell.fault,
            "denied": cell.denied,
            "timeout": cell.timeout,
            "records": min(cell.records, LARGEST_SUM),
            "request_bytes": min(cell.request_bytes, LARGEST_SUM),
            "response_bytes": min(cell.response_bytes, LARGEST_SUM),
            "duration_us": min(cell.duration_us, LARGEST_SUM),
            "shortest_us": cell.shortest_us,
            "longest_us": cell.longest_us,
            "slow": cell.slow,
            "breached": cell.breached,
            "late": cell.late,
            "duplicates": cell.duplicates,
            "last_time": cell.last_time,
            "latency": histogram.encode(cell.latency),
        }

    def _finding_row(self, key: FindingKey, finding: Finding) -> Row:
        return {
            **self._source(),
            **key.pair._asdict(),
            "hour": key.hour,
            "breach": str(key.breach),
            "count": finding.count,
            "denied": finding.denied,
            "first_time": finding.first_time,
            "last_time": finding.last_time,
            "samples": _packer.encode(finding.samples),
            "agreement": finding.agreement,
            "version": finding.version,
        }

    def _source(self) -> Row:
        return {"topic": self.topic, "partition": self.partition}

    def _mine(self, table: Table) -> Any:
        return and_(table.c.topic == self.topic, table.c.partition == self.partition)

    def _may_exist(self, hour: int) -> bool:
        return self._newest_hour is not None and hour <= self._newest_hour

    def _cool_down(self, changes: Changes) -> None:
        """Forget rows of all but the newest hours: memory holds the active cells, not the history."""
        hours = list(changes.tallies)
        if hours:
            self._newest_hour = max(*hours, self._newest_hour or 0)
        if self._newest_hour is None:
            return
        oldest = self._newest_hour - (CACHED_HOURS - 1) * HOUR_S
        self._cells = {key: cell for key, cell in self._cells.items() if key.hour >= oldest}
        self._findings = {key: found for key, found in self._findings.items() if key.hour >= oldest}


def _pair_of(row: RowMapping) -> Pair:
    return Pair(row["provider"], row["consumer"], row["service"])


def _cell_of_row(row: RowMapping) -> Cell:
    numbers = {name: row[name] for name in _CELL_NUMBERS}
    return Cell(**numbers, latency=histogram.decode(row["latency"]))


def _finding_of_row(row: RowMapping) -> Finding:
    return Finding(
        count=row["count"],
        denied=row["denied"],
        first_time=row["first_time"],
        last_time=row["last_time"],
        samples=tuple(_unpack_ids.decode(row["samples"])),
        agreement=row["agreement"],
        version=row["version"],
    )


_CELL_NUMBERS = (
    "ok",
    "fault",
    "denied",
    "timeout",
    "records",
    "request_bytes",
    "response_bytes",
    "duration_us",
    "shortest_us",
    "longest_us",
    "slow",
    "breached",
    "late",
    "duplicates",
    "last_time",
)
