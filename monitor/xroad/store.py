"""One source partition of X-Road records in the database: what is loaded, and its one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, delete, func, select

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell
from monitor.ledger.ids import IdMemory
from monitor.registry.xroad import XroadNames
from monitor.security.changes import CountKey, SecurityCount
from monitor.storage import tables
from monitor.storage.engine import reading
from monitor.storage.partition import PartitionStore
from monitor.storage.progress import Also
from monitor.storage.rows import portions
from monitor.storage.upsert import upsert
from monitor.xroad.book import RecordBook
from monitor.xroad.changes import XroadChanges
from monitor.xroad.figures import Figures
from monitor.xroad.figures_store import FiguresStore, joined
from monitor.xroad.frozen import freeze
from monitor.xroad.half import pack, unpack
from monitor.xroad.late import Settled, Settling, alone
from monitor.xroad.late_row import LateCall, LateJudge, summed
from monitor.xroad.ledger import PairingLimits
from monitor.xroad.pairing import Waiting

FREEZE_EVERY = timedelta(minutes=10)  # looks for something to freeze; an hour becomes final each hour
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class XroadResumption:
    """Where a partition was left: all that its ledger needs to go on."""

    next_offset: int
    newest: datetime | None
    ids: IdMemory
    waiting: list[Waiting]


@dataclass(slots=True)
class XroadWritten:
    """What a committed transaction added, for the metrics.

    `additions`, `breaches` and `ids_shortened` are as of any exchanges (monitor.storage.partition.Written):
    of joined calls and of those counted from one side. `settled` are keys of halves that wait no more.
    """

    additions: list[tuple[Terms, Cell]]
    breaches: list[tuple[Pair, Breach, int]]
    ids_shortened: int
    figures: Figures
    halves: Mapping[tuple[str, str], int]
    noted: Counter[str]
    orphans: list[LateCall]
    settled: set[str]
    security: list[tuple[CountKey, SecurityCount]]


class XroadStore:
    """Reads and writes the rows of one (topic, partition); used by one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        topic: str,
        partition: int,
        book: RecordBook,
        names: XroadNames,
        pairing: PairingLimits,
        max_event_age: timedelta,
    ) -> None:
        self.engine = engine
        self.topic = topic
        self.partition = partition
        self._cells = PartitionStore(engine, topic, partition)
        self._figures = FiguresStore(topic, partition)
        self._max_event_age = max_event_age
        self._freeze_at = datetime.min.replace(tzinfo=UTC)
        judge = LateJudge(book, names)
        self._settling = Settling(engine, judge, topic, partition, pairing.window // _MILLISECOND)

    def calls(self, begins: int, ends: int) -> Mapping[Pair, int]:
        """Count the calls of each pair in the hours from `begins` to before `ends` (epoch seconds).

        Those whose halves met here, and those of which one half lapsed here and says which call it is of.
        """
        late = tables.xroad_late.c
        query = (
            select(late.provider, late.consumer, late.service, func.count())
            .where(self._figures.mine(tables.xroad_late), late.hour >= begins, late.hour < ends)
            .where(late.call.not_like("~%"))
            .group_by(late.provider, late.consumer, late.service)
        )
        found = dict(self._cells.calls(begins, ends))
        with reading(self.engine).connect() as connection:
            for row in connection.execute(query):
                pair = Pair(*row[:3])
                found[pair] = found.get(pair, 0) + int(row[3])
        return found

    def load(self, window: timedelta, max_ids: int, now: datetime) -> XroadResumption:
        """Take the partition over: read its offset, ids and waiting halves, or note that it begins.

        `window` (time of arrivals) and `max_ids` bound the memory of halves that came. Raises
        sqlalchemy.exc.DBAPIError.
        """
        resumed = self._cells.load(window, max_ids, now)
        waiting = tables.xroad_waiting
        query = select(waiting.c.half, waiting.c.arrived_ms).where(self._figures.mine(waiting))
        with reading(self.engine).connect() as connection:
            halves = [Waiting(unpack(half), arrived) for half, arrived in connection.execute(query)]
        return XroadResumption(resumed.next_offset, resumed.newest, resumed.ids, halves)

    def write(self, changes: XroadChanges, now: datetime, also: Sequence[Also] = ()) -> XroadWritten:
        """Write what was counted and the next offset, in one transaction.

        1. Move the offset by compare-and-set, and write cells, findings, rejections, gaps and ids of joined
           calls: monitor.storage.partition.PartitionStore.
        2. Settle halves that lapsed, and new ones whose partner lapsed before: monitor.xroad.late.
        3. Write which halves wait; add figures to those that are stored.
        4. Now and then, by one partition for all: freeze late calls that are final (monitor.xroad.frozen).
        5. Call each of `also`, in their order, with the connection; what one raises undoes everything.

        Raises Fenced when the partition belongs to another worker, DBAPIError when the database failed;
        then nothing was written (or, where the answer to COMMIT was lost, a second try is Fenced).
        """
        settled = Settled()

        def own(connection: Connection) -> None:
            nonlocal settled
            settled = self._settling.settle(connection, changes.lapsed, changes.waits.values(), now)
            self._write_waiting(connection, changes, settled.settled)
            self._figures.add(connection, [changes.figures, settled.figures])
            # What a backfill accepts is no measure: it may be less than what workers still join.
            live = not self.topic.startswith(tables.FILE_PREFIX)
            if live and self.partition == 0 and now >= self._freeze_at:
                frozen = freeze(connection, self.engine, self._max_event_age, now)
                self._freeze_at = now + (FREEZE_EVERY if not frozen else timedelta(0))

        written = self._cells.write(changes.ledger, now, [own, *also])
        fresh = [late for late, _ in settled.fresh]
        _, findings, figures = summed(fresh)
        return XroadWritten(
            additions=written.additions + alone(settled.fresh),
            breaches=written.breaches
            + [(key.pair, key.breach, each.count) for key, each in findings.items()],
            ids_shortened=written.ids_shortened,
            figures=joined([changes.figures, settled.figures, figures]),
            halves=changes.halves,
            noted=changes.noted + Counter(settled.noted),
            orphans=settled.orphans,
            settled=settled.settled,
            security=list(joined([changes.figures, figures]).security.items()),
        )

    def _write_waiting(self, connection: Connection, changes: XroadChanges, settled: set[str]) -> None:
        waiting = tables.xroad_waiting
        for keys in portions(sorted(changes.done)):
            connection.execute(delete(waiting).where(waiting.c.key.in_(keys), self._figures.mine(waiting)))
        upsert(
            connection,
            waiting,
            [
                {**self._figures.source, "key": key, "arrived_ms": each.arrived_ms, "half": pack(each.half)}
                for key, each in changes.waits.items()
                if key not in settled
            ],
        )
