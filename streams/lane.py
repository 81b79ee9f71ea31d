"""A lane: one partition of a topic, from its record batches to committed figures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from monitor.events.rejection import Rejection
from monitor.metrics.own import OwnMetrics
from monitor.storage.progress import FROM_THE_BEGINNING
from streams.dead_letters import DeadLetter
from streams.processor import Counted, Decode, Opened, Processor
from streams.transport.batch import RecordBatch

Publish = Callable[[list[DeadLetter]], Awaitable[None]]
# What an uncommitted event takes in memory, roughly; a letter's body counts as so many events as fit into it.
EVENT_BYTES = 128

# Exchanges decoded, counted and shown to rules at a time. Measured by turns, a thousand at a time took longer
# in each of three rounds, by 6 to 40 %.
PART = 250


class _Taken(NamedTuple):
    """What one transaction writes; kept while it is tried again."""

    changes: Counted
    watched: Any


class Lane:
    """Folds batches into the partition's ledger, and commits what was counted.

    Folding runs in the event loop; a transaction runs in `executor` meanwhile. At most one transaction is
    under way; when it fails, the same changes are tried again by the next call of `commit`.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        opened: Opened,
        decode: Decode,
        *,
        executor: Executor,
        publish: Publish,
        own: OwnMetrics,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.ledger = opened.ledger
        self.store = opened.store
        self.committed_offset = opened.ledger.next_offset
        self._opened = opened
        self._decode = decode
        self._executor = executor
        self._publish = publish
        self._own = own
        self._letters: list[DeadLetter] = []
        self._letter_bytes = 0  # of all letters that are not published
        self._in_flight: _Taken | None = None
        self._broken = False
        self._in_flight_letters: list[DeadLetter] = []
        self._committing = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        processor: Processor,
        topic: str,
        partition: int,
        *,
        executor: Executor,
        publish: Publish,
        own: OwnMetrics,
    ) -> Lane:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        opened = await asyncio.get_running_loop().run_in_executor(
            executor, processor.open, topic, partition, datetime.now(UTC)
        )
        return cls(topic, partition, opened, processor.decode, executor=executor, publish=publish, own=own)

    @property
    def uncommitted(self) -> int:
        """Events folded but not committed; what of them is kept weighs as many as fit into it."""
        weight = _weight(self.ledger.changes) + self._letter_bytes // EVENT_BYTES
        return weight + (_weight(self._in_flight.changes) if self._in_flight else 0)

    @property
    def next_offset(self) -> int:
        """The next offset to read, or FROM_THE_BEGINNING."""
        return self.ledger.next_offset

    def follows(self, batch: RecordBatch) -> bool:
        """Whether a batch begins at or before the next offset to read, so that nothing is left out."""
        return self.ledger.next_offset == FROM_THE_BEGINNING or batch.position <= self.ledger.next_offset

    def begin_at(self, offset: int) -> None:
        """Note with which offset a partition begins of which nothing was read; that alone is no progress."""
        self.skip_to(offset)
        self.committed_offset = offset

    def skip_to(self, offset: int) -> None:
        """Go on at an offset: what lies before it is gone from the broker."""
        self.ledger.next_offset = self.ledger.changes.next_offset = offset

    def process(self, batch: RecordBatch) -> None:
        """Decode, judge and count a batch that follows; what of it was counted before is passed over.

        An exception leaves the ledger half-way: drop the lane and open it anew.
        """
        now = datetime.now(UTC)
        for part in batch.parts(PART):
            decoded = self._decode(part.bodies(), part.headers)
            known = len(self.ledger.changes.rejections)
            self.ledger.fold(decoded, part, now)
            self._opened.observe()
            rejections = self.ledger.changes.rejections[known:]
            if rejections:
                letters = _dead_letters(part, rejections)
                self._letters += letters
                self._letter_bytes += sum(map(_bytes_of, letters))

    def tick(self) -> None:
        """Let time pass for the rules, as all that the broker has was counted."""
        if self._opened.watch is not None:
            self._opened.watch.tick(datetime.now(UTC))

    async def commit(self) -> bool:
        """Write what was counted, with the offset, in one transaction; return whether there was anything.

        1. Publish the dead letters and wait until the broker has them: a letter may be sent twice (it has
           the same key then), never lost.
        2. Run the transaction: what was counted, and what the rules found and remember.
        3. Count it in the metrics.

        Raises Fenced when another worker owns the partition, DBAPIError when the database failed and
        KafkaError when the broker did; after the latter two, call it again.
        """
        async with self._committing:
            watch = self._opened.watch
            if self._in_flight is None:
                if self._broken:
                    return False
                if self.ledger.next_offset == FROM_THE_BEGINNING:
                    return False
                if self.ledger.next_offset == self.committed_offset and not (watch and watch.pending):
                    return False
                self._in_flight = self._take()
                self._in_flight_letters, self._letters = self._letters, []
            taken = self._in_flight
            if self._in_flight_letters:
                await self._publish(self._in_flight_letters)
                self._letter_bytes -= sum(map(_bytes_of, self._in_flight_letters))
                self._in_flight_letters = []
            began = perf_counter()
            loop = asyncio.get_running_loop()
            written = await loop.run_in_executor(self._executor, self._write, taken)
            self._own.commit_duration.observe(perf_counter() - began)
            self._in_flight = None
            self.committed_offset = taken.changes.next_offset
            self.ledger.settled()
            self._opened.show(written)
            if watch is not None:
                watch.committed(taken.watched)
            self._note(taken.changes)
            return True

    def _take(self) -> _Taken:
        """Hand over what was counted and found. Where that fails nothing is written any more: what is half
        taken would be missing. Whoever takes the partition over reads it again."""
        watch = self._opened.watch
        self._broken = True
        taken = _Taken(self.ledger.take(), watch.take() if watch else None)
        self._broken = False
        return taken

    def _write(self, taken: _Taken) -> Any:
        now, watch = datetime.now(UTC), self._opened.watch
        also = [lambda connection: watch.write(connection, taken.watched, now)] if watch else []
        return self.store.write(taken.changes, now, also)

    def _note(self, changes: Counted) -> None:
        for reason, count in changes.rejected.items():
            self._own.dead_letters.labels(self.topic, reason).inc(count)
        self._own.committed_offset.labels(self.topic, str(self.partition)).set(changes.next_offset)
        now = datetime.now(UTC)
        for time, weight in changes.ages:
            self._own.event_age.observe(max((now - time).total_seconds(), 0.0), weight)


def _weight(changes: Counted) -> int:
    return changes.events + changes.held_bytes // EVENT_BYTES


def _bytes_of(letter: DeadLetter) -> int:
    return len(letter.value or b"") + len(letter.key or b"")


def _dead_letters(batch: RecordBatch, rejections: list[tuple[int, Rejection]]) -> list[DeadLetter]:
    by_offset = dict(rejections)
    letters = []
    for index in range(len(batch)):
        offset = batch.offset(index)
        rejection = by_offset.get(offset)
        if rejection is None:
            continue
        record = batch.record(index)
        letters.append(
            DeadLetter(
                topic=batch.topic,
                partition=batch.partition,
                offset=offset,
                timestamp_ms=batch.timestamp_ms(index),
                reason=rejection.reason,
                detail=rejection.detail,
                key=record.key,
                value=record.value,
                headers=tuple(record.headers),
            )
        )
    return letters
