"""Halves whose partners did not come in time, settled in the transaction, for all partitions together.

A half that lapses becomes a row of `xroad_late`, an exchange seen from one side, or completes the row of a
half that lapsed before, in whatever partition. A half that begins to wait is looked up there too, so that one
that comes after its partner lapsed need not wait in vain itself. The cells of the source LATE are the sums of
these rows: new rows are added to them, and where a half that comes later changes more than it adds, a cell is
worked out anew from its rows. So a correction takes out exactly what was put in, also from minima, maxima and
histograms.

Whoever is about to change rows takes the turn first: an update of the one row of `xroad_turn`, held until the
transaction ends. So two partitions never settle one call at once, and no sum misses a row. On SQLite every
transaction has the database to itself anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, func, select, tuple_, update

from monitor.judging.terms import Terms
from monitor.ledger.cell import Cell, CellKey
from monitor.storage import tables
from monitor.storage.partition import PartitionStore, cell_of_row
from monitor.storage.rows import portions
from monitor.storage.upsert import insert_new, upsert
from monitor.xroad import call as calls
from monitor.xroad.figures import Figures
from monitor.xroad.figures_store import CELL, FiguresStore, Key
from monitor.xroad.half import Half, fits
from monitor.xroad.late_row import LateCall, LateJudge, completion, of_row, summed, without
from monitor.xroad.pairing import Lapsed, Waiting

# No topic of Kafka has a colon in its name.
LATE = "xroad-records:late"
OPEN, FROZEN = 0, 1  # partitions of that source: sums of rows that are there, and of rows that were pruned


@dataclass(slots=True)
class Settled:
    """What settling came to; `settled` are keys of halves that need not wait any more.

    `figures` are to be added to the partition's own. `fresh` are calls that were not counted before, with the
    terms they were judged by, and `orphans` those of them that are seen from one side at the end; corrections
    of calls that were counted are in no metric. `noted` is by name.
    """

    figures: Figures = field(default_factory=Figures)
    settled: set[str] = field(default_factory=set)
    fresh: list[tuple[LateCall, Terms]] = field(default_factory=list)
    orphans: list[LateCall] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)


class Settling:
    """Settles one partition's halves."""

    def __init__(self, engine: Engine, judge: LateJudge, topic: str, partition: int, window_ms: int) -> None:
        self._judge = judge
        self._topic = topic
        self._partition = partition
        self._window_ms = window_ms
        self._cells = PartitionStore(engine, LATE, OPEN)
        self._figures = FiguresStore(LATE, OPEN)

    def settle(
        self, connection: Connection, lapsed: Sequence[Lapsed], waits: Iterable[Waiting], now: datetime
    ) -> Settled:
        """Settle halves that lapsed, and those that begin to wait and whose partners lapsed before."""
        new = [each.half for each in waits if each.half.request_id is not None]
        if not lapsed and not _known_calls(connection, {half.call for half in new}):
            return Settled()
        take_turn(connection)
        rows = self._read(connection, [each.waiting.half for each in lapsed], new)
        work = _Work(self._judge, rows, self._topic, self._partition, self._window_ms)
        for each in lapsed:
            work.lapse(each)
        for half in new:
            work.complete(half)
        upsert(connection, tables.xroad_late, [late.row(now) for late in work.changed.values()])
        self._sum(connection, work)
        now_known = [work.changed[late.name] for late, _ in work.done.fresh]
        work.done.orphans = [late for late in now_known if late.half is not None]
        return work.done

    def _sum(self, connection: Connection, work: _Work) -> None:
        """Bring the cells up to their rows: the fewer are worked out anew, the shorter others wait."""
        anew: set[Key] = set()
        figures: list[Figures] = []
        corrected: list[tuple[LateCall, LateCall]] = []
        for old, new in work.completed():
            added = completion(old, new)
            if added is None:
                anew |= {old.key, new.key}
            else:
                figures.append(added)
                corrected.append((old, new))
        cells, findings, sums = summed(late for late in work.added() if late.key not in anew)
        self._cells.add(connection, cells, findings)
        figures = [
            each for each in figures if not any((k.cell.hour, *k.cell.pair) in anew for k in each.counts)
        ]
        self._figures.add(connection, [*figures, sums])
        correct(connection, self._cells, [each for each in corrected if each[1].key not in anew])
        rewrite(connection, self._cells, self._figures, anew)

    def _read(
        self, connection: Connection, lapsed: Iterable[Half], new: Iterable[Half]
    ) -> dict[str, LateCall]:
        lapsed = list(lapsed)
        rows = _by(connection, "call", {half.call for half in (*lapsed, *new)})
        rows |= _by(connection, "match", {half.match for half in lapsed if half.request_id is None})
        return rows


class _Work:
    """The rows under work in one transaction."""

    def __init__(
        self, judge: LateJudge, rows: dict[str, LateCall], topic: str, partition: int, window_ms: int
    ) -> None:
        self._judge = judge
        self._rows = rows
        self._stored = dict(rows)
        self._topic = topic
        self._partition = partition
        self._window_ms = window_ms
        self._by_match: dict[str, dict[str, LateCall]] = {}
        for late in rows.values():
            self._index(late)
        self.changed: dict[str, LateCall] = {}
        self.done = Settled()

    def lapse(self, each: Lapsed) -> None:
        """Settle a half that waited in vain."""
        half = each.waiting.half
        late = self._rows.get(half.call)
        if late is not None:
            self._into(late, half)
            return
        partner = None
        if half.request_id is None and each.alone:
            partner = self._partner(half)
        if partner is not None:
            self._into(partner, half)
            return
        match = half.match if half.request_id is None and each.alone else None
        late, terms = self._judge.late(each, match, self._topic, self._partition)
        self._put(late)
        self.done.fresh.append((late, terms))
        if not each.alone:
            self.done.figures.count(late.cell, calls.AMBIGUOUS)
            self.done.noted.append(calls.AMBIGUOUS)

    def complete(self, half: Half) -> None:
        """Settle a half that has just come, if its partner lapsed before."""
        late = self._rows.get(half.call)
        if late is not None:
            self._into(late, half)
            self.done.settled.add(half.key)

    def _into(self, late: LateCall, half: Half) -> None:
        """Join a half with the row of its call; one that the row has already came again."""
        if getattr(late.call, half.side) is not None:
            self.done.noted.append(calls.DUPLICATE.format(half.side))
            self.done.figures.count(late.cell, calls.DUPLICATE.format(half.side))
            return
        whole = self._judge.completed(late, half)
        self._put(whole)
        calls.note_skew(self.done.figures, whole.call, calls.measured(whole.call))
        elsewhere = (late.topic, late.partition) != (self._topic, self._partition)
        self.done.noted.append("joined_late_elsewhere" if elsewhere else "joined_late")

    def _partner(self, half: Half) -> LateCall | None:
        """The only open row that a half without `xRequestId` fits, where no other half fits that row."""
        alike = list(self._by_match.get(half.match, {}).values())
        fitting = [each for each in alike if each.half is not None and fits(half, each.half, self._window_ms)]
        if len(fitting) != 1:
            return None
        only = fitting[0].half
        assert only is not None  # noqa: S101  # only open rows were looked at
        if any(each.half is not None and fits(only, each.half, self._window_ms) for each in alike):
            return None
        return fitting[0]

    def _put(self, late: LateCall) -> None:
        self._rows[late.name] = self.changed[late.name] = late
        self._index(late)

    def added(self) -> list[LateCall]:
        """Calls that are new, as they are now."""
        return [late for name, late in self.changed.items() if name not in self._stored]

    def completed(self) -> list[tuple[LateCall, LateCall]]:
        """Calls that were there, as they were and as they are."""
        stored = self._stored
        return [(stored[name], late) for name, late in self.changed.items() if name in stored]

    def _index(self, late: LateCall) -> None:
        alike = self._by_match.setdefault(late.call.first.match, {})
        alike.pop(late.name, None)
        if late.match is not None:
            alike[late.name] = late


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction changes late calls, and keep others waiting until this one ends."""
    insert_new(connection, tables.xroad_turn, [{"id": 1, "turns": 0}])
    turn = tables.xroad_turn
    connection.execute(update(turn).where(turn.c.id == 1).values(turns=turn.c.turns + 1))


def correct(
    connection: Connection, store: PartitionStore, pairs: Sequence[tuple[LateCall, LateCall]]
) -> None:
    """Put calls as they are into their cells, for what they were. Their rows must be written."""
    cells, late = tables.cells, tables.xroad_late
    changed: dict[CellKey, list[tuple[LateCall, LateCall]]] = {}
    for pair in pairs:
        changed.setdefault(pair[1].cell, []).append(pair)
    upserted = []
    for key, of in changed.items():
        # Cells that these calls leave as they were need no look at the extremes of all others.
        if all(old.alone() == new.alone() for old, new in of):
            continue
        where = [
            column == value for column, value in zip(_cell_columns(cells), (key.hour, *key.pair), strict=True)
        ]
        where += [cells.c.topic == store.topic, cells.c.partition == store.partition]
        cell = cell_of_row(connection.execute(select(cells).where(*where)).mappings().one())
        for old, new in of:
            cell = without(cell, old.alone()).plus(new.alone())
        same = [
            column == value for column, value in zip(_cell_columns(late), (key.hour, *key.pair), strict=True)
        ]
        columns = func.min(late.c.duration_us), func.max(late.c.duration_us), func.max(late.c.time)
        shortest, longest, last = connection.execute(select(*columns).where(*same)).one()
        cell.shortest_us, cell.longest_us, cell.last_time = shortest, longest, last
        upserted.append(store.cell_row(key, cell))
    upsert(connection, cells, upserted)


def _cell_columns(table: Table) -> list[Column[Any]]:
    return [table.c[name] for name in CELL]


def rewrite(connection: Connection, cells: PartitionStore, figures: FiguresStore, touched: set[Key]) -> None:
    """Work out cells anew from the rows of their late calls, and write them whole. The turn must be taken."""
    if not touched:
        return
    agencies = {(hour, consumer) for hour, _, consumer, _ in touched}
    late = tables.xroad_late
    found: list[LateCall] = []
    # All calls of the consumers in those hours: what is counted as security events is theirs, not a pair's.
    for chunk in portions(sorted(agencies)):
        query = select(late).where(tuple_(late.c.hour, late.c.consumer).in_(chunk))
        found += map(of_row, connection.execute(query).mappings())
    _, _, all_figures = summed(found)
    whole, findings, sums = summed(each for each in found if each.key in touched)
    sums.security = all_figures.security
    for table in (tables.cells, tables.findings):
        figures.clear(connection, table, CELL, touched)
    upsert(connection, tables.cells, [cells.cell_row(key, cell) for key, cell in whole.items()])
    upsert(connection, tables.findings, [cells.finding_row(key, each) for key, each in findings.items()])
    figures.replace(connection, touched, agencies, sums)


def alone(fresh: Iterable[tuple[LateCall, Terms]]) -> list[tuple[Terms, Cell]]:
    """What calls that were not counted before add to the metrics."""
    return [(terms, late.alone()) for late, terms in fresh]


def _known_calls(connection: Connection, names: set[str]) -> bool:
    late = tables.xroad_late.c
    return any(
        connection.execute(select(late.call).where(late.call.in_(chunk)).limit(1)).first()
        for chunk in portions(sorted(names))
    )


def _by(connection: Connection, column: str, values: set[str]) -> dict[str, LateCall]:
    late = tables.xroad_late
    found = {}
    for chunk in portions(sorted(values)):
        query = select(late).where(late.c[column].in_(chunk))
        for row in connection.execute(query).mappings():
            found[row["call"]] = of_row(row)
    return found
