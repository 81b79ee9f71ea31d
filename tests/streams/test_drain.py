"""Unpacking whole fetches: exactly what aiokafka's own iterator hands out, record by record."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import closing, suppress
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchError, FetchResult
from aiokafka.errors import CorruptRecordException, TopicAuthorizationFailedError
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaProducer

from monitor.settings import load_settings
from streams.administration import Administration
from streams.topics import planned
from streams.transport.batch import RecordBatch
from streams.transport.drain import _unpack, fetched
from streams.transport.tolerant import tolerant
from tests.streams.wire import (
    FIRST_TIMESTAMP_AT,
    GZIP,
    HEADER,
    LZ4,
    NONE,
    SENT_MS,
    SNAPPY,
    TP,
    ZSTD,
    Row,
    bent,
    emptied,
    legacy,
    marker,
    modern,
    partition_records,
    rows,
    sealed,
    timed_by_broker,
    without_headers,
)

OTHER = TP._replace(partition=1)


def iterated(*given: Any, **more: Any) -> tuple[list[Any], int]:
    """What aiokafka's iterator hands out, and the position it ends at."""
    partition = partition_records(*given, **more)
    records = [(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in partition]
    return records, partition.next_fetch_offset


def unpacked(*given: Any, **more: Any) -> tuple[list[Any], int]:
    """What a batch holds, and where it goes on."""
    batch = _unpack(partition_records(*given, **more), TP)
    return plain(batch), batch.next_offset


def plain(batch: RecordBatch) -> list[Any]:
    """A batch's records as values."""
    records = [batch.record(index) for index in range(len(batch))]
    assert batch.bodies() == [one.value for one in records]
    return [(one.offset, one.timestamp, one.key, one.value, tuple(one.headers)) for one in records]


def assert_same(data: bytes, position: int = 0, *, count: int | None = None, **more: Any) -> None:
    """Both ways of reading agree, and on how many records."""
    expected = iterated(data, position, **more)
    assert unpacked(data, position, **more) == expected
    if count is not None:
        assert len(expected[0]) == count


@pytest.mark.parametrize("compression", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_every_compression_and_any_start(compression: int) -> None:
    """Several batches; a fetch begins with the whole batch in which its position lies."""
    first, second = (modern(base, rows(6), compression=compression) for base in (100, 106))
    for position in (0, 100, 102, 105):
        assert_same(first + second, position, count=12 - max(position - 100, 0))
    assert_same(second, 106, count=6)
    assert_same(second, 111, count=1)


OLD_FORMATS = [(0, NONE), (1, NONE), (0, GZIP), (1, GZIP), (0, SNAPPY), (1, SNAPPY), (1, LZ4)]


@pytest.mark.parametrize(("magic", "compression"), OLD_FORMATS)
def test_old_message_formats(magic: int, compression: int) -> None:
    """A topic may hold records from before Kafka 0.11; those of format 0 have no timestamp."""
    sets = [legacy(base, without_headers(6), magic=magic, compression=compression) for base in (50, 56)]
    for position in (50, 53) if compression else (50,):
        assert_same(b"".join(sets), position, count=62 - position)


def test_a_batch_that_was_cut_off_is_left_for_the_next_fetch() -> None:
    """A response ends where it is full."""
    data = modern(0, rows(3)) + modern(3, rows(3))[:-5]
    assert_same(data, count=3)


def test_gaps_of_compacted_records_are_passed() -> None:
    """Within a batch, at its end, and whole batches of which nothing is left."""
    some = [row for row in rows(10) if row[0] in (1, 4, 5)]
    data = modern(10, some, last_delta=9) + emptied(20, 4) + modern(25, rows(2))
    assert_same(data, 10, count=5)
    assert unpacked(modern(10, some, last_delta=9) + emptied(20, 4), 10)[1] == 25
    assert unpacked(emptied(20, 4), 20) == ([], 25)


def test_null_values_odd_headers_and_missing_timestamps() -> None:
    """As they were sent."""
    odd: list[Row] = [
        (0, 1_790_000_000_000, None, None, []),
        (1, 1_790_000_000_001, b"", b"", [("", b""), ("a", None), ("a", b"twice"), ("ữ", b"\xff")]),
    ]
    assert_same(modern(0, odd), count=2)
    batch = _unpack(partition_records(legacy(0, [(0, None, None, b"v", [])], magic=0)), TP)
    assert batch.earliest_ms == batch.latest_ms == batch.timestamp_ms(0) > 1_700_000_000_000


def test_the_bounds_of_time_hold_for_every_record() -> None:
    """Whatever order the timestamps are in, and over several batches."""
    mixed: list[Row] = [(n, 1_790_000_000_000 + at, None, b"v", []) for n, at in enumerate((50, 0, 70, 20))]
    batch = _unpack(partition_records(modern(0, mixed) + modern(4, rows(3))), TP)
    times = [batch.timestamp_ms(index) for index in range(len(batch))]
    assert (batch.earliest_ms, batch.latest_ms) == (min(times), max(times))
    assert (batch.position, batch.next_offset) == (0, 7)


NAME, NOT_UTF_8 = b"unusual-name", b"un\xffsual-n\xc3me"


def garbled(base: int, *, compression: int = NONE, by_broker: bool = False) -> bytes:
    """Four records, of which the third has a header whose name is not UTF-8."""
    four = rows(4)
    four[1] = (1, SENT_MS - 500, None, None, [("ữ", b"\xff"), ("", None), ("", b"")])
    four[2] = (
        2,
        SENT_MS + 70_000,
        b"",
        b"x" * 300,
        [("before", b"1"), (NAME.decode(), b"2"), ("after", None)],
    )
    batch = bent(modern(base, four, compression=compression), lambda body: body.replace(NAME, NOT_UTF_8))
    return timed_by_broker(batch, SENT_MS + 9_000) if by_broker else batch


@pytest.mark.parametrize("by_broker", [False, True])
@pytest.mark.parametrize("compression", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_a_header_name_that_is_not_utf_8_costs_nothing(compression: int, by_broker: bool) -> None:
    """Not the record, not its neighbours in the batch, not the batches beside; only the name is not exact."""
    good = garbled(10, compression=compression, by_broker=by_broker)
    good = bent(good, lambda body: body.replace(NOT_UTF_8, NAME))
    before, after = modern(6, rows(4)), modern(14, rows(3), compression=compression)
    bad = garbled(10, compression=compression, by_broker=by_broker)
    for position in (6, 10, 11, 13):
        first = before if position < 10 else b""  # a fetch begins with the batch in which its position lies
        expected, end = iterated(first + good + after, position)
        found, next_offset = unpacked(first + bad + after, position)
        assert next_offset == end == 17
        replaced = NOT_UTF_8.decode(errors="replace")
        named = [
            (*rest, tuple((replaced if name == NAME.decode() else name, value) for name, value in headers))
            for *rest, headers in expected
        ]
        assert found == named
        assert (replaced in str(found)) == (position < 13)


def test_a_batch_that_is_more_than_oddly_named_is_an_error() -> None:
    """Never read in part: wherever it is cut, it is corrupt, and nothing beyond its end is looked at."""
    bad = garbled(10)
    for end in range(HEADER, len(bad)):
        cut = bytearray(bad[:end])
        cut[8:12] = (end - 12).to_bytes(4)
        with pytest.raises(CorruptRecordException):
            tolerant(sealed(cut), 10)
    with pytest.raises(CorruptRecordException, match="bytes are left"):
        tolerant(bent(bad, lambda body: body + b"\0"), 10)
    with pytest.raises(CorruptRecordException, match="no batch"):
        tolerant(bad, 11)
    with pytest.raises(CorruptRecordException, match="int"):
        tolerant(bad[:FIRST_TIMESTAMP_AT] + (2**63 - 1).to_bytes(8) + bad[FIRST_TIMESTAMP_AT + 8 :], 10)


@settings(max_examples=300)
@given(st.data())
def test_bytes_that_are_no_records_are_corrupt_or_read(data: st.DataObject) -> None:
    """Whatever a broken producer wrote: no other error, and no reading without end."""
    bad = garbled(10)
    at, byte = data.draw(st.integers(HEADER, len(bad) - 1)), data.draw(st.integers(0, 255))
    with suppress(CorruptRecordException):
        tolerant(bad[:at] + bytes([byte]) + bad[at + 1 :], 10)


def test_with_a_real_consumer_the_bytes_are_at_hand(kafka_broker: str, topic_prefix: str) -> None:
    """A producer that writes such a name, a broker that keeps it, and a consumer that reads on."""
    given = load_settings(kafka_bootstrap=kafka_broker, topic_prefix=topic_prefix)
    topic = given.topic("exchanges")

    class Odd(str):
        """A name whose bytes are not UTF-8, as a producer in another language may send."""

        __slots__ = ()

        def encode(self, *_: object) -> bytes:
            return NOT_UTF_8

    with Administration(given) as administration:
        administration.create(planned(topic_prefix, partitions=1))

    with closing(KafkaProducer(bootstrap_servers=kafka_broker)) as producer:
        for value, name in ((b"good", "a"), (b"bad", Odd("a")), (b"last", "a")):
            producer.send(topic, value, headers=[(name, b"1")])

    async def read() -> list[Any]:
        found: list[Any] = []
        async with (
            AIOKafkaConsumer(topic, bootstrap_servers=kafka_broker, auto_offset_reset="earliest") as consumer,
            asyncio.timeout(60),
        ):
            while len(found) < 3:
                for batches in (await fetched(consumer._fetcher, None, 1.0, None, lambda _: True)).values():
                    found += plain(batches[0])
        return found

    assert [value for _, _, _, value, _ in asyncio.run(read())] == [b"good", b"bad", b"last"]


def test_aborted_transactions_are_left_out() -> None:
    """Interleaved with committed ones and with plain records; markers are never records."""
    data = (
        modern(0, rows(2), producer=7, transactional=True)
        + modern(2, rows(2), producer=8, transactional=True)
        + modern(4, rows(1))
        + marker(5, 7, abort=True)
        + modern(6, rows(2), producer=7, transactional=True)
        + marker(8, 8, abort=False)
        + marker(9, 7, abort=False)
    )
    assert_same(data, aborted=[(7, 0)], count=5)
    assert_same(data, aborted=[(7, 0)], isolation=READ_UNCOMMITTED, count=7)
    assert unpacked(data, aborted=[(7, 0)])[1] == 10


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, int, list[tuple[int, int]]]:
    """Anything a broker may send: batches of all kinds in a row, a position, and what was aborted."""
    offset = base = draw(st.integers(0, 50))
    first_end = 0
    data, aborted = b"", []
    open_since: dict[int, int] = {}
    for _ in range(draw(st.integers(0, 7))):
        kind = draw(
            st.sampled_from(["plain", "plain", "compacted", "empty", "transactional", "end", "legacy"])
        )
        count = draw(st.integers(1, 4))
        producer = draw(st.sampled_from([7, 8]))
        compression = draw(st.sampled_from([NONE, GZIP, SNAPPY, LZ4, ZSTD]))
        if kind == "plain":
            data += modern(offset, rows(count), compression=compression)
        elif kind == "compacted":
            kept = [row for row in rows(count + 3) if draw(st.booleans())] or rows(1)
            data += modern(offset, kept, compression=compression, last_delta=count + 2)
            count += 3
        elif kind == "empty":
            data += emptied(offset, count - 1)
        elif kind == "transactional":
            data += modern(
                offset, rows(count), compression=compression, producer=producer, transactional=True
            )
            open_since.setdefault(producer, offset)
        else:
            abort = draw(st.booleans())
            data += marker(offset, producer, abort=abort)
            began = open_since.pop(producer, None)
            if abort and began is not None:
                aborted.append((producer, began))
            count = 1
        first_end = first_end or offset + count
        offset += count
    # A response begins with the batch in which the position lies.
    return data, draw(st.integers(base, max(first_end - 1, base))), aborted


@settings(max_examples=300, deadline=None)
@given(responses(), st.sampled_from([0, 1]))
def test_anything_a_broker_sends_reads_the_same(
    response: tuple[bytes, int, list[tuple[int, int]]], isolation: int
) -> None:
    """Records, order, headers, and where to go on."""
    data, position, aborted = response
    assert_same(data, position, aborted=aborted, isolation=isolation)


class Broker:
    """As much of aiokafka's fetcher as draining touches."""

    def __init__(self) -> None:
        self._records: OrderedDict[Any, Any] = OrderedDict()
        self._subscriptions = self
        self.reassignment_in_progress = False
        self._wait_consume_future = None
        self._closed = False
        self.active = True
        self.paused = False
        self.positions: dict[Any, int] = {}
        self.woken = 0

    def put(self, tp: Any, data: bytes, position: int) -> None:
        """A response for a partition."""
        self.positions.setdefault(tp, position)
        records = partition_records(data, position)
        self._records[tp] = FetchResult(tp, assignment=self, partition_records=records, backoff=0)

    def state_value(self, tp: Any) -> Any:
        """The state of a partition."""
        broker = self

        class State:
            paused = broker.paused
            position = broker.positions[tp]

            def consumed_to(self, offset: int) -> None:
                broker.positions[tp] = offset

        return State()

    def is_assigned(self, _tp: Any) -> bool:
        """All are."""
        return self.active

    def _notify(self, _future: Any) -> None:
        self.woken += 1

    def _create_fetch_waiter(self) -> Any:
        return asyncio.get_running_loop().create_future()

    def drain(self, **more: Any) -> dict[Any, list[Any]]:
        """What is handed over at once."""
        given = {"partitions": None, "timeout": 0.0, "max_records": None, "batched": lambda _: True, **more}
        return asyncio.run(fetched(self, **given))


def test_each_partition_comes_as_one_batch_and_its_position_moves() -> None:
    """And the fetcher is told that there is room again."""
    broker = Broker()
    broker.put(TP, modern(0, rows(2)) + modern(2, rows(3)), 1)
    broker.put(OTHER, modern(9, rows(1)), 9)
    drained = broker.drain()
    assert {tp: [len(batch) for batch in batches] for tp, batches in drained.items()} == {TP: [4], OTHER: [1]}
    assert broker.positions == {TP: 5, OTHER: 10}
    assert (broker.drain(), broker.woken) == ({}, 2)


def test_topics_that_are_not_batched_come_record_by_record() -> None:
    """No more at a time than was asked for."""
    broker = Broker()
    broker.put(TP, modern(0, rows(5)), 0)
    first, second = (broker.drain(batched=lambda _: False, max_records=3) for _ in range(2))
    assert [[one.offset for one in each[TP]] for each in (first, second)] == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("how", ["sought", "paused", "lost"])
def test_what_was_fetched_for_another_position_is_dropped(how: str) -> None:
    """After a seek, a pause or a rebalance; the position stays where it was put."""
    broker = Broker()
    broker.put(TP, modern(0, rows(5)), 0)
    broker.positions[TP] = 3 if how == "sought" else 0
    broker.paused = how == "paused"
    broker.active = how != "lost"
    assert broker.drain() == {}
    assert broker.positions[TP] == (3 if how == "sought" else 0)
    assert TP not in broker._records


def test_partitions_that_were_not_asked_for_are_kept() -> None:
    """Unless they are not ours any more."""
    broker = Broker()
    broker.put(TP, modern(0, rows(1)), 0)
    broker.put(OTHER, modern(0, rows(1)), 0)
    assert set(broker.drain(partitions={OTHER})) == {OTHER}
    assert set(broker.drain(partitions={TP})) == {TP}


def test_a_broken_checksum_is_an_error_and_loses_nothing() -> None:
    """Good partitions are handed over first; the broken one is fetched again from its own position."""
    broken = bytearray(modern(3, rows(3)))
    broken[-2] ^= 1
    data = modern(0, rows(3)) + bytes(broken) + modern(6, rows(3))
    broker = Broker()
    broker.put(OTHER, modern(0, rows(1)), 0)
    broker.put(TP, data, 0)
    assert set(broker.drain()) == {OTHER}
    broker.put(TP, data, 0)
    with pytest.raises(CorruptRecordException):
        broker.drain()
    assert broker.positions[TP] == 0
    assert broker.drain() == {}  # nothing of what is left in the half-used buffer
    broker.put(TP, modern(0, rows(3)) + modern(3, rows(3)) + modern(6, rows(3)), 0)
    assert [offset for offset, *_ in plain(broker.drain()[TP][0])] == list(range(9))


def test_an_error_of_the_fetch_is_raised_after_what_is_good() -> None:
    """By the next call."""
    broker = Broker()
    broker.put(OTHER, modern(0, rows(1)), 0)
    broker._records[TP] = FetchError(error=TopicAuthorizationFailedError("exchanges"), backoff=0)
    assert set(broker.drain()) == {OTHER}
    with pytest.raises(TopicAuthorizationFailedError):
        broker.drain()
    assert broker.drain() == {}


def test_of_an_aborted_transaction_nothing_is_read(kafka_broker: str, topic_prefix: str) -> None:
    """With a real broker: one transaction is committed, one aborted, one record sent without any."""
    given = load_settings(kafka_bootstrap=kafka_broker, topic_prefix=topic_prefix)
    topic = given.topic("exchanges")
    with Administration(given) as administration:
        administration.create(planned(topic_prefix, partitions=1))

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_broker, transactional_id=f"{topic_prefix}t")
        await producer.start()
        for name, commits in (("kept", True), ("aborted", False), ("kept-too", True)):
            await producer.begin_transaction()
            for number in range(5):
                await producer.send_and_wait(topic, b"%s-%d" % (name.encode(), number))
            await (producer.commit_transaction() if commits else producer.abort_transaction())
        await producer.stop()
        async with AIOKafkaProducer(bootstrap_servers=kafka_broker) as plain_producer:
            await plain_producer.send_and_wait(topic, b"last")

    async def read() -> tuple[list[bytes], int]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=kafka_broker,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        values: list[Any] = []
        position = 0
        async with asyncio.timeout(60):
            while b"last" not in values:
                for batches in (await fetched(consumer._fetcher, None, 1.0, None, lambda _: True)).values():
                    assert batches[0].position == position
                    position = batches[0].next_offset
                    values += batches[0].bodies()
        await consumer.stop()
        return values, position

    asyncio.run(send())
    values, position = asyncio.run(read())
    kept = [b"%s-%d" % (name, number) for name in (b"kept", b"kept-too") for number in range(5)]
    assert values == [*kept, b"last"]
    assert position == 15 + 3 + 1  # three markers
