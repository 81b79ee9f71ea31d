"""All lanes of a worker: opened and closed with its partitions, committed together, and watched."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Protocol

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import Service
from sqlalchemy.exc import DBAPIError

from monitor.errors import MonitorError
from monitor.metrics.own import OwnMetrics
from monitor.settings import Settings
from monitor.storage.progress import FROM_THE_BEGINNING, Fenced
from streams.lane import Lane, Publish
from streams.processor import Processors
from streams.transport.batch import RecordBatch

log = structlog.get_logger(__name__)

RETRY_FIRST_S, RETRY_LAST_S = 0.5, 15.0  # waiting for a database or broker that is away
# A worker that counted so many since its last commits is catching up: nobody waits for its newest event, and
# fewer, larger transactions leave more time for counting.
CATCHING_UP_EVENTS, CATCHING_UP_S = 5_000, 0.4
WATCH_S = 1.0  # between looks at whether anything moves: far below any stall that is allowed
_REMEDY = "Use the database that belongs to this topic, or a new one."
LAST_COMMIT_S = 5.0  # for giving partitions back: well within a rebalance's and a graceful stop's time


class Stalled(MonitorError):
    """Work was waiting and nothing was committed for too long; a restart is safe and may help."""


class TopicReplaced(MonitorError):
    """A topic ends before the offset that the database says was read."""


class Stopping(Exception):
    """The worker is about to end: what it opened now would only be given back."""


class Reader(Protocol):
    """What lanes need of the consumer."""

    async def start_reading(self, offsets: dict[TP, int]) -> None:
        """Set positions."""

    async def bounds(self, partitions: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """For each the first offset that the broker has, and the one after the last."""

    def known_ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset after the last record of each, where it is known without asking."""

    def failure(self) -> BaseException | None:
        """What ended the consumer's background tasks, if anything did."""

    def assignment(self) -> set[TP]:
        """The partitions that the group has given to this worker."""

    def joined(self) -> bool:
        """Whether the group has this worker as a member, and has given it its partitions, if only none."""


class Lanes(Service):
    """The worker's lanes, by partition."""

    logger = logging.getLogger("mode.lanes")  # for what Faust's service machinery says of it

    def __init__(
        self,
        settings: Settings,
        processors: Processors,
        *,
        publish: Publish,
        reader: Reader,
        own: OwnMetrics,
        fail: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._settings = settings
        self._processors = processors
        self._publish = publish
        self._reader = reader
        self._own = own
        self._fail = fail
        # One thread: transactions of several partitions queue, as SQLite would make them anyway, and a
        # lane's store is never used by two threads at once.
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._lanes: dict[TP, Lane] = {}
        self._opening = asyncio.Lock()
        self._drained = asyncio.Event()
        self._progress_at = monotonic()

    # Opening and closing

    async def open(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return where to read each partition on, opening the lanes that are not open.

        Waits for a database or broker that is away. Raises TopicReplaced when a topic is not the one that
        was read, and Stopping when the worker is to end.
        """
        offsets = {}
        async with self._opening:
            wanted = list(partitions)
            await self._open_closed([tp for tp in wanted if tp not in self._lanes])
            for tp in wanted:
                offsets[tp] = self._lanes[tp].next_offset
        self._progress_at = monotonic()
        return offsets

    async def _open_closed(self, partitions: Collection[TP]) -> None:
        """Open lanes: first all from the database, then the broker is asked once for where all begin and end.

        In this order, as nobody can have read beyond an end that is asked for afterwards; and once, because
        on the broker's connection each question may wait behind a fetch that waits for records.
        """
        delay = RETRY_FIRST_S
        lanes: dict[TP, Lane] = {}
        while partitions:
            if self.should_stop:
                raise Stopping
            try:
                for tp in partitions:
                    if tp not in lanes:  # once: each time would take it from whoever has it by then
                        lanes[tp] = await self._load(tp)
                bounds = await self._reader.bounds(partitions)
                break
            except (DBAPIError, KafkaError) as why:
                log.warning("cannot open partitions yet, waiting", count=len(partitions), reason=_brief(why))
                await self.sleep(delay)
                delay = min(delay * 2, RETRY_LAST_S)
        else:
            return
        for tp, lane in lanes.items():
            self._place(tp, lane, *bounds[tp])
            self._lanes[tp] = lane

    async def _load(self, tp: TP) -> Lane:
        return await Lane.open(
            self._processors[tp.topic],
            tp.topic,
            tp.partition,
            executor=self._executor,
            publish=self._publish,
            own=self._own,
        )

    def _place(self, tp: TP, lane: Lane, first: int, end: int) -> None:
        """Have a lane begin where the broker has something to read."""
        if lane.next_offset > end:
            raise TopicReplaced(
                f"{tp.topic}/{tp.partition} ends at offset {end}, but the database has read it up to "
                f"{lane.next_offset}: the topic was created anew, or this is another cluster's database. "
                f"{_REMEDY}"
            )
        if lane.next_offset == FROM_THE_BEGINNING:
            # Where nothing is left to read, no batch would ever tell where the partition begins, and every
            # offset before its end would count as lag.
            lane.begin_at(first)
        elif lane.next_offset < first:
            self._lose(tp, lane, first)
        log.info("partition opened", topic=tp.topic, partition=tp.partition, offset=lane.next_offset)

    async def close(self, partitions: Iterable[TP]) -> None:
        """Commit what is counted, as far as that works within seconds, and forget the partitions.

        What could not be committed is read again by whoever owns the partition next.
        """
        partitions = set(partitions)
        closing = {tp: lane for tp in partitions if (lane := self._lanes.pop(tp, None)) is not None}
        try:
            async with asyncio.timeout(LAST_COMMIT_S):
                for tp, lane in closing.items():
                    await self._commit_fully(tp, lane)
        except (TimeoutError, DBAPIError, KafkaError) as why:
            log.warning("partitions closed without a last commit; they are read again", reason=_brief(why))
        for tp in partitions:
            self._forget_lag(tp)

    async def _commit_fully(self, tp: TP, lane: Lane) -> None:
        try:
            while await lane.commit():
                pass
        except Fenced as why:
            self._note_fenced(tp, why)

    # The work

    async def process(self, tp: TP, batch: RecordBatch) -> None:
        """Count a batch; wait when too much is uncommitted. One of a partition that is not ours is left."""
        lane = self._lanes.get(tp)
        if lane is None:
            return
        if not lane.follows(batch):
            first, _ = (await self._reader.bounds([tp]))[tp]
            if first <= lane.next_offset:
                await self._reader.start_reading({tp: lane.next_offset})  # left over from before a seek
                return
            self._lose(tp, lane, batch.position)
        elif batch.next_offset <= lane.next_offset:
            await self._check_same_topic(tp, lane)
            return
        try:
            lane.process(batch)
        except Exception:
            # The ledger is half-way through the batch. The database is not: go on from there.
            log.exception(
                "counting failed, opening the partition anew", topic=tp.topic, partition=tp.partition
            )
            await self._reopen(tp)
            return
        while self._uncommitted() > self._settings.max_uncommitted and not self.should_stop:
            self._drained.clear()
            await self._drained.wait()

    async def _check_same_topic(self, tp: TP, lane: Lane) -> None:
        end = self._reader.known_ends([tp]).get(tp)  # as the fetch that brought the batch told it
        if end is not None and end < lane.next_offset:
            await self._fail(
                TopicReplaced(
                    f"{tp.topic}/{tp.partition} ends at offset {end}, but was read up to {lane.next_offset}: "
                    f"the topic was created anew while it was read. {_REMEDY}"
                )
            )

    async def _reopen(self, tp: TP) -> None:
        self._lanes.pop(tp, None)
        await self.sleep(RETRY_FIRST_S)  # a fault that comes back at once must not spin
        try:
            offsets = await self.open([tp])
        except Stopping:
            return
        except TopicReplaced as why:
            await self._fail(why)
            return
        await self._reader.start_reading(offsets)

    async def reopen(self) -> None:
        """Commit and open every partition anew, one after the other: other rules hold from now on."""
        for tp, lane in list(self._lanes.items()):
            try:
                async with asyncio.timeout(LAST_COMMIT_S):
                    await self._commit_fully(tp, lane)
            except (TimeoutError, DBAPIError, KafkaError) as why:
                log.warning("partition opened anew without a last commit", reason=_brief(why))
            if self._lanes.get(tp) is lane:
                await self._reopen(tp)

    def _lose(self, tp: TP, lane: Lane, first: int) -> None:
        lost = first - lane.next_offset
        log.error(
            "records were deleted before they were read", topic=tp.topic, partition=tp.partition, lost=lost
        )
        self._own.records_lost.labels(tp.topic).inc(lost)
        lane.skip_to(first)

    # Committing

    @Service.task
    async def _commit_regularly(self) -> None:
        delay = 0.0
        while not self.should_stop:
            await self.sleep(delay or self._settings.commit_interval)
            if not delay and self._uncommitted() > CATCHING_UP_EVENTS:
                await self.sleep(CATCHING_UP_S)
            delay = await self._commit_round(delay)
            self._measure_lag()

    async def _commit_round(self, delay: float) -> float:
        """Commit every lane once; return how long to wait before trying again what failed, or 0."""
        lag = self.lag()
        for tp, lane in list(self._lanes.items()):
            if self._lanes.get(tp) is not lane:
                continue  # closed while another was committed
            if lag.get(tp) == 0:
                lane.tick()
            try:
                if await lane.commit():
                    self._progress_at = monotonic()
            except Fenced as why:
                self._note_fenced(tp, why)
                if self._lanes.get(tp) is lane:
                    del self._lanes[tp]
                    self._forget_lag(tp)
                    self.add_future(self._reopen_if_still_ours(tp))
            except (DBAPIError, KafkaError) as why:
                self._own.commits_failed.inc()
                delay = min(delay * 2 or RETRY_FIRST_S, RETRY_LAST_S)
                if self._lanes.get(tp) is lane:
                    # Last in the next round: a fault of this partition alone then stops no other.
                    self._lanes[tp] = self._lanes.pop(tp)
                log.warning("commit failed, trying again", seconds=delay, reason=_brief(why))
                return delay
        if self._uncommitted() <= self._settings.max_uncommitted:
            self._drained.set()
        return 0.0

    async def _reopen_if_still_ours(self, tp: TP) -> None:
        """Let go for long enough that the group notices; if the partition is ours even then, start again."""
        await self.sleep(RETRY_LAST_S)
        if tp not in self._lanes and tp in self._reader.assignment():
            await self._reopen(tp)

    def _note_fenced(self, tp: TP, why: Fenced) -> None:
        self._own.partitions_fenced.inc()
        log.warning(
            "partition belongs to another worker", topic=tp.topic, partition=tp.partition, reason=str(why)
        )

    # Watching

    def committed_offsets(self) -> dict[TP, int]:
        """How far the database is, by partition."""
        return {tp: lane.committed_offset for tp, lane in self._lanes.items() if lane.committed_offset >= 0}

    def open_partitions(self) -> int:
        """How many partitions this worker reads."""
        return len(self._lanes)

    def joined(self) -> bool:
        """Whether the group has this worker as a member, and has given it its partitions, if only none."""
        return not self.should_stop and self._reader.joined()

    def unopened(self) -> int:
        """How many partitions the group has given to this worker that it does not read yet."""
        return len(self._reader.assignment() - self._lanes.keys())

    def without_progress(self) -> float:
        """Seconds since the last commit, or since there was last nothing to do."""
        return monotonic() - self._progress_at

    def lag(self) -> dict[TP, int]:
        """Records that are in Kafka but not committed, by partition, as far as is known."""
        return {
            tp: max(end - max(self._lanes[tp].committed_offset, 0), 0)
            for tp, end in self._reader.known_ends(self._lanes.keys()).items()
        }

    def _uncommitted(self) -> int:
        return sum(lane.uncommitted for lane in self._lanes.values())

    def _measure_lag(self) -> None:
        for tp, records in self.lag().items():
            self._own.lag.labels(tp.topic, str(tp.partition)).set(records)

    def _forget_lag(self, tp: TP) -> None:
        for gauge in (self._own.lag, self._own.committed_offset):
            with contextlib.suppress(KeyError):  # it was never set
                gauge.remove(tp.topic, str(tp.partition))

    @Service.task
    async def _watch_regularly(self) -> None:
        """Apart from committing, because a commit that never returns is one of the things to see."""
        while not self.should_stop:
            await self.sleep(WATCH_S)
            await self._watch()

    async def _watch(self) -> None:
        """End the worker when work waits and nothing moves: its supervisor starts it again, which is safe."""
        failure = self._reader.failure()
        if failure is not None:
            await self._fail(failure)
        if not any(self.lag().values()) and not self._uncommitted():
            self._progress_at = monotonic()
        stalled = monotonic() - self._progress_at
        if stalled > self._settings.stall_timeout:
            await self._fail(Stalled(f"work is waiting and nothing was committed for {stalled:.0f} s"))

    async def on_stop(self) -> None:
        """Commit what is counted before the producer and the consumer stop."""
        await self.close(list(self._lanes))
        self._drained.set()

    async def on_shutdown(self) -> None:
        """Let the database's thread end, now that no task of this service uses it any more."""
        self._executor.shutdown(wait=False)


def _brief(why: BaseException) -> str:
    """One line of an error: drivers add the statement and its parameters, which may hold identifiers."""
    original = getattr(why, "orig", None) or why
    return f"{type(original).__name__}: {original}".splitlines()[0][:300]
