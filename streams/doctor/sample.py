"""The newest records of the exchanges, read without a group; of each only what the checks judge is kept."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError

from monitor.errors import MonitorError
from monitor.events.decode import decode_one
from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason
from monitor.ledger.moment import in_utc, moment
from monitor.ledger.partition import MAX_AHEAD
from monitor.settings import Settings
from streams.clients import client_arguments
from streams.doctor.finding import Finding, counted, listed, ok, problem, warning

BROKERS_TIME = 1  # a record's timestamp type: its broker wrote it, not its producer
POLL_MS = 500
# What the client raises where records are not as the protocol has them; it neither says where nor goes on.
UNREADABLE = (CorruptRecordError, UnicodeDecodeError)


class Seen(NamedTuple):
    """One record: its names where it could be decoded, else the reason why it would be a dead letter."""

    partition: int
    key: bytes | None
    arrived: datetime
    by_broker: bool
    names: tuple[str, str, str] | None  # provider, consumer, service
    ahead: timedelta | None  # its event's time less its arrival
    reason: Reason | None


@dataclass(slots=True)
class Bounds:
    """A partition's first offset, and the one after its last."""

    first: int
    end: int


@dataclass(slots=True)
class Unreadable:
    """A record that this client refuses, and how many offsets from it on are left out of the sample."""

    partition: int
    offset: int
    misnamed: bool  # a header's name is not UTF-8, which the worker reads all the same
    left_out: int = 0


@dataclass(slots=True)
class Sample:
    """What was read; `complete` is false where time ran out."""

    bounds: dict[int, Bounds] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    complete: bool = True
    unreadable: list[Unreadable] = field(default_factory=list)
    topic: str = "exchanges"


def read_sample(settings: Settings, size: int, seconds: float, max_age: timedelta) -> Sample:
    """Read the newest `size` records of each partition of `exchanges`, for at most `seconds`.

    Raises MonitorError where the topic is missing, KafkaError where the broker does not answer.
    """
    reading = _Reading(settings, size, seconds, max_age)
    with reading.client() as consumer:
        numbers = consumer.partitions_for_topic(reading.sample.topic)
        if not numbers:
            raise MonitorError(f"there is no topic {reading.sample.topic}")
        return reading.read(
            consumer, [TopicPartition(reading.sample.topic, number) for number in sorted(numbers)]
        )


class _Reading:
    """One reading of a sample, until its deadline."""

    def __init__(self, settings: Settings, size: int, seconds: float, max_age: timedelta) -> None:
        self.sample = Sample(topic=settings.topic("exchanges"))
        self._settings = settings
        self._size = size
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._max_age = max_age
        self._kept: dict[int, deque[Seen]] = {}
        self._left: set[Any] = set()  # partitions that are not read to their ends
        self._known: set[Any] = set()  # those whose ends a fetch has told

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A client without a group."""
        consumer = KafkaConsumer(
            **client_arguments(self._settings),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=int(self._seconds * 1000),
            request_timeout_ms=int(self._seconds * 1000),
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False)

    def read(self, consumer: Any, partitions: Sequence[Any]) -> Sample:
        """Read them all together; where that meets a record that is refused, the rest one by one."""
        first, last = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        self.sample.bounds = {tp.partition: Bounds(first[tp], last[tp]) for tp in partitions}
        self._kept = {tp.partition: deque(maxlen=self._size) for tp in partitions}
        self._left = set(partitions)
        consumer.assign(partitions)
        for tp in partitions:
            consumer.seek(tp, max(first[tp], last[tp] - self._size))
        with suppress(*UNREADABLE):
            self._take(consumer, partitions)
        for tp, at in [(tp, consumer.position(tp)) for tp in sorted(self._left)]:
            # Asked again, a client that has refused a record may loop without end: each gets a new one.
            if time.monotonic() < self._deadline:
                with self.client() as alone:
                    self._take_around(alone, tp, at)
        self.sample.seen = [seen for records in self._kept.values() for seen in records]
        self.sample.complete = not self._left
        return self.sample

    def _take(self, consumer: Any, partitions: Collection[Any]) -> None:
        # The embedded broker gives an end that lies before the last batch; a fetch knows the true one. What
        # arrives after the first fetch is not read: a busy topic would never end.
        while not self._left.isdisjoint(partitions) and time.monotonic() < self._deadline:
            try:
                for tp, records in consumer.poll(POLL_MS).items():
                    self._kept[tp.partition].extend(observed(record, self._max_age) for record in records)
            finally:
                for tp in self._left.intersection(partitions):
                    self._note_end(consumer, tp)

    def _note_end(self, consumer: Any, tp: Any) -> None:
        end = consumer.highwater(tp)
        if end is not None and tp not in self._known:
            self._known.add(tp)
            self.sample.bounds[tp.partition].end = end
        if tp in self._known and consumer.position(tp) >= self.sample.bounds[tp.partition].end:
            self._left.discard(tp)
            consumer.pause(tp)

    def _take_around(self, consumer: Any, tp: Any, at: int) -> None:
        """Read a partition from an offset on, leaving out what is refused.

        The client refuses with a record all that is stored in one batch with it, and does not tell where that
        ends. So it is asked to go on one offset later, then two, four and so on.
        """
        consumer.assign([tp])
        consumer.seek(tp, at)
        step = 1
        refused: Unreadable | None = None
        while tp in self._left and time.monotonic() < self._deadline:
            try:
                self._take(consumer, [tp])
            except UNREADABLE as why:
                position = consumer.position(tp)
                if refused is None or position != refused.offset + refused.left_out:
                    misnamed = isinstance(why.__context__ or why, UnicodeDecodeError)
                    refused, step = Unreadable(tp.partition, position, misnamed), 1
                    self.sample.unreadable.append(refused)
                end = self.sample.bounds[tp.partition].end
                refused.left_out = min(refused.left_out + step, max(end - refused.offset, 1))
                step *= 2
                consumer.seek(tp, refused.offset + refused.left_out)
                self._note_end(consumer, tp)


def check_reading(sample: Sample, seconds: float) -> Finding:
    """Whether all that was asked for could be read within `seconds`."""
    name = "exchanges"
    what = f"{counted(len(sample.seen), 'record')} of {counted(len(sample.bounds), 'partition')} read"
    slow = f"--timeout gives it more than {seconds:g} s; or look why the broker is slow."
    if not sample.complete:
        what = f"only {what} in the time given; what follows is judged by these"
    if sample.unreadable:
        return _refusal(name, what, sample, "" if sample.complete else f" {slow}")
    return ok(name, what) if sample.complete else warning(name, what, slow)


def _refusal(name: str, what: str, sample: Sample, more: str) -> Finding:
    """Which records could not be read; a problem where the worker cannot read them either."""
    refused = sample.unreadable
    after = sum(each.left_out - 1 for each in refused)
    left_out = f" (and left out {after} after {'it' if len(refused) == 1 else 'them'})" if after else ""
    told = listed(f"{sample.topic}/{each.partition} at offset {each.offset}" for each in refused)
    what = f"{what}; this check could not read {told}{left_out}"
    damaged = sum(not each.misnamed for each in refused)
    if damaged:
        return problem(
            name,
            f"{what}: {counted(damaged, 'record is', 'records are')} damaged",
            "A worker cannot read on there either: look at the brokers' logs and disks, and at what sends "
            f"such records.{more}",
        )
    return warning(
        name,
        f"{what}: the name of a header is not UTF-8",
        "The worker reads and counts such records, but other programs may stop at them: let the sender "
        f"write the names of headers in UTF-8.{more}",
    )


def observed(record: Any, max_age: timedelta) -> Seen:
    """What a client's record amounts to; an event older than `max_age` at its arrival is too old."""
    arrived = moment(record.timestamp)
    decoded = decode_one(record.value, record.headers)
    names, ahead, reason = None, None, None
    if isinstance(decoded, Exchange):
        names = (decoded.provider, decoded.consumer, decoded.service)
        ahead = in_utc(decoded.time) - arrived
        if ahead > MAX_AHEAD:
            reason = Reason.IN_FUTURE
        elif ahead < -max_age:
            reason = Reason.TOO_OLD
    else:
        reason = decoded.reason
    return Seen(
        record.partition, record.key, arrived, record.timestamp_type == BROKERS_TIME, names, ahead, reason
    )
