"""The figures of calls over X-Road in the database: read, added to, and written whole, for one source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, and_, delete, tuple_

from monitor.judging.terms import Pair
from monitor.ledger import histogram
from monitor.ledger.cell import CellKey
from monitor.ledger.histogram import merge
from monitor.security.changes import CountKey, SecurityCount
from monitor.storage import tables
from monitor.storage.partition import LARGEST_SUM
from monitor.storage.rows import portions, rows_under
from monitor.storage.upsert import Row, upsert
from monitor.xroad.figures import Figures, Measure, MeasureKey, ServerPair, WhatKey, signed_median

K = TypeVar("K")
V = TypeVar("V")
Key = tuple[Any, ...]
CELL = ("hour", "provider", "consumer", "service")
AGENCY = ("hour", "agency")
SERVERS = ("hour", "client_server", "service_server")


class FiguresStore:
    """Reads and writes the rows of one source, within a transaction of its owner."""

    def __init__(self, topic: str, partition: int) -> None:
        self.source: Row = {"topic": topic, "partition": partition}

    def add(self, connection: Connection, parts: Sequence[Figures]) -> None:
        """Add figures to what is stored; only what is touched is read."""
        together = joined(parts)
        stored = Figures()
        touched = {key.cell for key in together.measures} | {key.cell for key in together.counts}
        cells = {(cell.hour, *cell.pair) for cell in touched}
        agencies = {(key.hour, key.agency) for key in together.security}
        self._read_cells(connection, cells, stored)
        self._read_security(connection, agencies, stored)
        for row in self._rows(connection, tables.xroad_skews, SERVERS, map(tuple, together.skews)):
            pair = ServerPair(row["hour"], row["client_server"], row["service_server"])
            stored.skews[pair] = histogram.decode(row["histogram"])
        self._write(connection, together, joined([stored, together]))

    def replace(self, connection: Connection, cells: set[Key], agencies: set[Key], figures: Figures) -> None:
        """Replace everything of some cells, and of some agencies' hours, by these figures."""
        for table, names, keys in (
            (tables.xroad_measures, CELL, cells),
            (tables.xroad_counts, CELL, cells),
            (tables.security_counts, AGENCY, agencies),
        ):
            self.clear(connection, table, names, keys)
        self._write(connection, figures, figures)

    def read(self, connection: Connection, cells: set[Key], agencies: set[Key]) -> Figures:
        """What is stored of some cells, and of some agencies' hours."""
        stored = Figures()
        self._read_cells(connection, cells, stored)
        self._read_security(connection, agencies, stored)
        return stored

    def clear(self, connection: Connection, table: Table, names: Sequence[str], keys: Iterable[Key]) -> None:
        """Delete this source's rows under some keys."""
        for chunk in portions(sorted(keys)):
            columns = tuple_(*[table.c[name] for name in names])
            connection.execute(delete(table).where(columns.in_(chunk), self.mine(table)))

    def mine(self, table: Table) -> Any:
        """The condition for this source's rows of a table."""
        return and_(*[table.c[name] == value for name, value in self.source.items()])

    def _read_cells(self, connection: Connection, cells: Iterable[Key], into: Figures) -> None:
        cells = list(cells)
        for row in self._rows(connection, tables.xroad_measures, CELL, cells):
            into.measures[MeasureKey(_cell(row), row["measure"])] = Measure(
                row["count"], row["flagged"], row["total"], row["smallest"], row["largest"],
                histogram.decode(row["histogram"]),
            )  # fmt: skip
        for row in self._rows(connection, tables.xroad_counts, CELL, cells):
            into.counts[WhatKey(_cell(row), row["what"])] = row["count"]

    def _read_security(self, connection: Connection, agencies: Iterable[Key], into: Figures) -> None:
        for row in self._rows(connection, tables.security_counts, AGENCY, agencies):
            key = CountKey(row["hour"], row["agency"], row["kind"], row["severity"])
            counted = SecurityCount(row["count"], row["late"], row["duplicates"], row["last_time"])
            into.security[key] = counted

    def _rows(
        self, connection: Connection, table: Table, names: Sequence[str], keys: Iterable[Key]
    ) -> Iterable[RowMapping]:
        return rows_under(connection, table, names, sorted(keys), self.source)

    def _write(self, connection: Connection, touched: Figures, whole: Figures) -> None:
        measures = [self._measure_row(key, whole.measures[key]) for key in touched.measures]
        upsert(connection, tables.xroad_measures, measures)
        upsert(
            connection,
            tables.xroad_counts,
            [
                {**self.source, **_columns(key.cell), "what": key.what, "count": whole.counts[key]}
                for key in touched.counts
            ],
        )
        skews = [self._skew_row(pair, whole.skews[pair]) for pair in touched.skews]
        upsert(connection, tables.xroad_skews, skews)
        upsert(
            connection,
            tables.security_counts,
            [
                {
                    **self.source,
                    **key._asdict(),
                    "count": whole.security[key].count,
                    "late": whole.security[key].late,
                    "duplicates": whole.security[key].duplicates,
                    "last_time": whole.security[key].last_time,
                }
                for key in touched.security
            ],
        )

    def _measure_row(self, key: MeasureKey, measure: Measure) -> Row:
        return {
            **self.source,
            **_columns(key.cell),
            "measure": key.measure,
            "count": measure.count,
            "flagged": measure.flagged,
            "total": min(measure.total, LARGEST_SUM),
            "smallest": measure.smallest,
            "largest": measure.largest,
            "histogram": histogram.encode(measure.histogram),
        }

    def _skew_row(self, pair: ServerPair, skews: dict[int, int]) -> Row:
        return {
            **self.source,
            **pair._asdict(),
            "samples": sum(skews.values()),
            "median_us": signed_median(skews) or 0,
            "histogram": histogram.encode(skews),
        }


def joined(parts: Sequence[Figures]) -> Figures:
    """Figures that hold all parts; none of them is changed."""
    found = Figures()
    for part in parts:
        _merge(found.measures, part.measures, Measure.plus)
        _merge(found.counts, part.counts, int.__add__)
        _merge(found.security, part.security, SecurityCount.plus)
        _merge(found.skews, part.skews, _both)
    return found


def _both(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    together = dict(one)
    merge(together, other)
    return together


def _merge(into: dict[K, V], part: Mapping[K, V], plus: Callable[[V, V], V]) -> None:
    for key, value in part.items():
        before = into.get(key)
        into[key] = value if before is None else plus(before, value)


def _columns(cell: CellKey) -> Row:
    return {"hour": cell.hour, **cell.pair._asdict()}


def _cell(row: RowMapping) -> CellKey:
    return CellKey(row["hour"], Pair(row["provider"], row["consumer"], row["service"]))
