"""The newest records of the exchanges, read without a group; of each only what the checks judge is kept."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from monitor.errors import MonitorError
from monitor.events.decode import decode_one
from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason
from monitor.ledger.moment import in_utc, moment
from monitor.ledger.partition import MAX_AHEAD
from monitor.settings import Settings
from streams.clients import client_arguments
from streams.doctor.finding import Finding, counted, ok, warning

BROKERS_TIME = 1  # a record's timestamp type: its broker wrote it, not its producer
POLL_MS = 500


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
class Sample:
    """What was read; `complete` is false where time ran out."""

    bounds: dict[int, Bounds] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    complete: bool = True


def read_sample(settings: Settings, size: int, seconds: float, max_age: timedelta) -> Sample:
    """Read the newest `size` records of each partition of `exchanges`, for at most `seconds`.

    Raises MonitorError where the topic is missing, KafkaError where the broker does not answer.
    """
    deadline = time.monotonic() + seconds
    topic = settings.topic("exchanges")
    consumer = KafkaConsumer(
        **client_arguments(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        bootstrap_timeout_ms=int(seconds * 1000),
        request_timeout_ms=int(seconds * 1000),
    )
    try:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise MonitorError(f"there is no topic {topic}")
        return _read(
            consumer, [TopicPartition(topic, number) for number in sorted(numbers)], size, deadline, max_age
        )
    finally:
        consumer.close(autocommit=False)


def _read(consumer: Any, partitions: Sequence[Any], size: int, deadline: float, max_age: timedelta) -> Sample:
    first, last = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    sample = Sample({tp.partition: Bounds(first[tp], last[tp]) for tp in partitions})
    kept: dict[int, deque[Seen]] = {tp.partition: deque(maxlen=size) for tp in partitions}
    consumer.assign(partitions)
    for tp in partitions:
        consumer.seek(tp, max(first[tp], last[tp] - size))
    # The embedded broker gives an end that lies before the last batch; a fetch knows the true one. What
    # arrives after the first fetch is not read: a busy topic would never end.
    reading = set(partitions)
    known: set[Any] = set()
    while reading and time.monotonic() < deadline:
        for tp, records in consumer.poll(POLL_MS).items():
            kept[tp.partition].extend(observed(record, max_age) for record in records)
        for tp in list(reading):
            end = consumer.highwater(tp)
            if end is not None and tp not in known:
                known.add(tp)
                sample.bounds[tp.partition].end = end
            if tp in known and consumer.position(tp) >= sample.bounds[tp.partition].end:
                reading.discard(tp)
                consumer.pause(tp)
    sample.seen = [seen for records in kept.values() for seen in records]
    sample.complete = not reading
    return sample


def check_reading(sample: Sample, seconds: float) -> Finding:
    """Whether all that was asked for could be read within `seconds`."""
    what = f"{counted(len(sample.seen), 'record')} of {counted(len(sample.bounds), 'partition')} read"
    if sample.complete:
        return ok("exchanges", what)
    return warning(
        "exchanges",
        f"only {what} in the time given; what follows is judged by these",
        f"--timeout gives it more than {seconds:g} s; or look why the broker is slow.",
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
