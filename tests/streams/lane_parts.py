"""What lanes need around them, without Kafka: a reader, a publisher, record batches, and a real SQLite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faust.types import TP
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import OperationalError

from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.own import OwnMetrics
from monitor.settings import Settings, load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from streams.dead_letters import DeadLetter
from streams.exchanges import Exchanges
from streams.lane import Lane
from streams.lanes import Lanes
from streams.transport.batch import Record, RecordBatch
from tests.builders import book_of, exchange_json, limits

TOPIC = "exchanges"
TP0, TP1 = TP(TOPIC, 0), TP(TOPIC, 1)
DEADLINE_S = 20.0


@dataclass
class FakeRecord:
    """A record as the parsers give it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def batch(
    first: int, *values: bytes | None, partition: int = 0, next_offset: int | None = None
) -> RecordBatch:
    """Records at the offsets from `first` on, sent just now."""
    now = int(time.time() * 1000)
    records: list[Record] = [
        FakeRecord(first + index, now, b"MOH", value) for index, value in enumerate(values)
    ]
    end = first + len(records) if next_offset is None else next_offset
    return RecordBatch(
        TOPIC, partition, records, position=first, next_offset=end, earliest_ms=now, latest_ms=now
    )


def good(*ids: object) -> list[bytes]:
    """Bodies of exchanges that happened just now."""
    return [exchange_json(id=str(each), time=datetime.now(UTC), purpose="health-insurance") for each in ids]


class FakeReader:
    """The consumer's side: what the broker has, and what was asked of it."""

    def __init__(self) -> None:
        self.first: dict[TP, int] = {}
        self.end: dict[TP, int] = {}
        self.sought: list[dict[TP, int]] = []
        self.asked: list[set[TP]] = []
        self.assigned: set[TP] = {TP0, TP1}
        self.member = True
        self.failed: BaseException | None = None

    async def start_reading(self, offsets: dict[TP, int]) -> None:
        """Note where reading was to begin."""
        self.sought.append(dict(offsets))

    async def bounds(self, partitions: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """What the broker has; notes that it was asked."""
        self.asked.append(set(partitions))
        return {tp: (self.first.get(tp, 0), self.end.get(tp, 10**9)) for tp in partitions}

    def known_ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The ends that were set."""
        return {tp: self.end[tp] for tp in partitions if tp in self.end}

    def failure(self) -> BaseException | None:
        """What was set."""
        return self.failed

    def assignment(self) -> set[TP]:
        """What was set."""
        return self.assigned

    def joined(self) -> bool:
        """What was set."""
        return self.member


class World:
    """A database, metrics, and everything that was published or reported."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        given = {"commit_interval": 0.01, "stall_timeout": 600.0, **settings}
        self.settings: Settings = load_settings(database_url=f"sqlite:///{folder}/monitor.db", **given)
        self.engine: Engine = open_engine(self.settings.sqlalchemy_url)
        tables.metadata.create_all(self.engine)
        self.registry = CollectorRegistry()
        self.counted = LedgerMetrics()
        self.registry.register(self.counted)
        self.own = OwnMetrics.create(self.registry)
        self.exchanges = Exchanges(self.engine, book_of(), limits(), self.counted)
        self.reader = FakeReader()
        self.executor = ThreadPoolExecutor(1)
        self.published: list[DeadLetter] = []
        self.history: list[str] = []
        self.failures: list[BaseException] = []
        self.refuse_letters: Exception | None = None

    async def publish(self, letters: list[DeadLetter]) -> None:
        """Keep letters, or refuse them."""
        if self.refuse_letters is not None:
            raise self.refuse_letters
        self.published += letters
        self.history.append("letters")

    async def fail(self, why: BaseException) -> None:
        """Note why the worker was to end."""
        self.failures.append(why)

    async def lane(self, partition: int = 0) -> Lane:
        """Open a lane."""
        return await Lane.open(
            self.exchanges, TOPIC, partition, executor=self.executor, publish=self.publish, own=self.own
        )

    def lanes(self) -> Lanes:
        """All lanes of a worker."""
        return Lanes(
            self.settings, {TOPIC: self.exchanges}, publish=self.publish, reader=self.reader,
            own=self.own, fail=self.fail,
        )  # fmt: skip

    def database_away(self, matching: str = "") -> AbstractContextManager[None]:
        """Make transactions (whose statements contain `matching`) fail while the context lasts."""
        return _Away(self.engine, matching)

    def stored(self) -> dict[int, tuple[int, int]]:
        """Next offset and exchanges by partition."""
        cells, offsets = tables.cells.c, tables.offsets.c
        with self.engine.connect() as connection:
            query = select(cells.partition, func.sum(cells.ok)).group_by(cells.partition)
            ok = {partition: int(count) for partition, count in connection.execute(query)}
            rows = connection.execute(select(offsets.partition, offsets.next_offset))
            return {partition: (offset, ok.get(partition, 0)) for partition, offset in rows}

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value, 0 where there is no series."""
        return self.registry.get_sample_value(f"datashare_{name}", labels) or 0.0


class _Away(AbstractContextManager[None]):
    def __init__(self, engine: Engine, matching: str) -> None:
        self._engine = engine
        self._matching = matching

    def _refuse(self, _c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if self._matching in f"{statement} {parameters}":
            raise OperationalError(statement, None, Exception("the database is away"))

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._refuse)

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._refuse)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true, and fail when it does not."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)
