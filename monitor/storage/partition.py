"""One source partition in the database: what is loaded when it is taken over, and its one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, Table, func, select

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger import histogram
from monitor.ledger.cell import Cell, CellKey, cell_of
from monitor.ledger.changes import Changes
from monitor.ledger.finding import Finding, FindingKey
from monitor.storage import tables
from monitor.storage.engine import reading
from monitor.storage.progress import FROM_THE_BEGINNING, Also, Fenced, Progress, Resumption
from monitor.storage.rows import rows_under
from monitor.storage.upsert import Row, upsert

__all__ = ["FROM_THE_BEGINNING", "LARGEST_SUM", "Fenced", "PartitionStore", "Resumption", "Written"]

HOUR_S = 3600
# One event may claim up to 2**53 bytes, and a column holds less than 2**63: a thousand such claims must not
# make the transaction fail for ever. No real hour comes near; sums over a thousand such cells still fit.
LARGEST_SUM = 2**53
_KEY = ("hour", "provider", "consumer", "service")
CACHED_HOURS = 2  # cells of the newest hours stay in memory; older ones are read again when touched

_packer = msgspec.msgpack.Encoder()
_unpack_samples = msgspec.msgpack.Decoder(list[str])


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
        self._progress = Progress(topic, partition)
        self._newest_hour: int | None = None  # of the cells in the database
        self._cells: dict[CellKey, Cell] = {}
        self._findings: dict[FindingKey, Finding] = {}

    def load(self, window: timedelta, max_ids: int, now: datetime) -> Resumption:
        """Take the partition over: read its offset and ids, or note that it begins.

        `window` (event time) and `max_ids` bound the memory of ids. Raises sqlalchemy.exc.DBAPIError.
        """
        with self.engine.begin() as connection:
            resumption = self._progress.load(connection, window, max_ids, now)
            self._newest_hour = connection.execute(
                select(func.max(tables.cells.c.hour)).where(self._mine(tables.cells))
            ).scalar_one()
        return resumption

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
        with reading(self.engine).connect() as connection:
            return {Pair(*row[:3]): int(row[3]) for row in connection.execute(query)}

    def write(self, changes: Changes, now: datetime, also: Sequence[Also] = ()) -> Written:
        """Write what was counted and the next offset, in one transaction.

        1. Move the offset by compare-and-set: from here on no other worker can, until the end.
        2. Read the rows that are touched but not held in memory.
        3. Write cells, findings, rejections and gaps whole; append the ids.
        4. Call each of `also`, in their order, with the connection; what one raises undoes everything.
        5. Commit; only then does memory take over what was written.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        added = {
            CellKey(hour, pair): (tally.terms, cell_of(tally))
            for hour, tallies in changes.tallies.items()
            for pair, tally in tallies.items()
            if tally.counted  # one that was opened for an event that could not be judged has nothing
        }
        with self.engine.begin() as connection:
            self._progress.move(connection, changes, now)
            cells = self._merged_cells(connection, {key: cell for key, (_, cell) in added.items()})
            findings = self._merged_findings(connection, changes.findings)
            upsert(connection, tables.cells, [self.cell_row(key, cell) for key, cell in cells.items()])
            upsert(
                connection,
                tables.findings,
                [self.finding_row(key, found) for key, found in findings.items()],
            )
            self._progress.write(connection, changes, now)
            for other in also:
                other(connection)
        shortened = self._progress.settle(changes)
        self._cells.update(cells)
        self._findings.update(findings)
        self._cool_down(changes)
        breaches = [(key.pair, key.breach, found.count) for key, found in changes.findings.items()]
        return Written(list(added.values()), breaches, shortened)

    def add(
        self, connection: Connection, cells: Mapping[CellKey, Cell], findings: Mapping[FindingKey, Finding]
    ) -> None:
        """Add to what is stored, in a transaction of somebody else's; nothing is kept in memory."""
        self._newest_hour = max((key.hour for key in cells), default=None)  # so that all is looked up
        merged = self._merged_cells(connection, cells)
        upsert(connection, tables.cells, [self.cell_row(key, cell) for key, cell in merged.items()])
        found = self._merged_findings(connection, findings)
        upsert(connection, tables.findings, [self.finding_row(key, each) for key, each in found.items()])

    # The transaction's steps

    def _merged_cells(self, connection: Connection, added: Mapping[CellKey, Cell]) -> dict[CellKey, Cell]:
        known = self._cells
        unknown = [key for key in added if key not in known and self._may_exist(key.hour)]
        stored = {}
        for row in self._rows(connection, tables.cells, [(key.hour, *key.pair) for key in unknown]):
            stored[CellKey(row["hour"], _pair_of(row))] = cell_of_row(row)
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
            stored[FindingKey(row["hour"], _pair_of(row), Breach(row["breach"]))] = finding_of_row(row)
        merged = {}
        for key, finding in added.items():
            before = known.get(key) or stored.get(key)
            merged[key] = before.plus(finding) if before else finding
        return merged

    def _rows(
        self, connection: Connection, table: Table, keys: list[tuple[Any, ...]]
    ) -> Iterable[RowMapping]:
        return rows_under(connection, table, _KEY, keys, self._progress.source)

    # Rows

    def cell_row(self, key: CellKey, cell: Cell) -> Row:
        """A cell as a row of this source."""
        return {
            **self._progress.source,
            "provider": key.pair.provider,
            "consumer": key.pair.consumer,
            "service": key.pair.service,
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

    def finding_row(self, key: FindingKey, finding: Finding) -> Row:
        """A finding as a row of this source."""
        return {
            **self._progress.source,
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

    def _mine(self, table: Table) -> Any:
        return self._progress.mine(table)

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


def cell_of_row(row: RowMapping) -> Cell:
    """The cell that a row holds."""
    numbers = {name: row[name] for name in _CELL_NUMBERS}
    return Cell(**numbers, latency=histogram.decode(row["latency"]))


def finding_of_row(row: RowMapping) -> Finding:
    """The finding that a row holds."""
    return Finding(
        count=row["count"],
        denied=row["denied"],
        first_time=row["first_time"],
        last_time=row["last_time"],
        samples=tuple(_unpack_samples.decode(row["samples"])),
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
