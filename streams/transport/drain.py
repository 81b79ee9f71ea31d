"""Takes what aiokafka's fetcher has buffered, a whole partition at a time.

aiokafka hands out one ConsumerRecord an event; building those costs more than everything the monitor does
with the event. This reads the fetcher's buffers directly and follows the same rules as its own iterator:
checksums, aborted transactions, control batches, and offsets before the position that was asked for.
It relies on internals of aiokafka 0.14 (`Fetcher._records`, `FetchResult`, `PartitionRecords`, and the
name by which the fetcher calls `MemoryRecords`), which `tests/streams/test_drain.py` holds to account.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException

from streams.transport.batch import RecordBatch
from streams.transport.tolerant import KeptRecords, tolerant

# aiokafka's parsers do not give back the bytes they read, which are needed where they fail.
aiokafka_fetcher.MemoryRecords = KeptRecords

_timestamp = attrgetter("timestamp")


async def fetched(
    fetcher: Any,
    partitions: set[Any] | None,
    timeout: float,
    max_records: int | None,
    batched: Callable[[str], bool],
) -> dict[Any, list[Any]]:
    """Return what was fetched: a list with one RecordBatch for a partition of a batched topic, else records.

    Waits up to `timeout` seconds for the first data. Raises what the fetcher noted for a partition.
    """
    deadline = time.monotonic() + timeout
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            await fetcher._subscriptions.wait_for_assignment()
        drained = _drain(fetcher, partitions, max_records, batched)
        remaining = deadline - time.monotonic()
        if drained or remaining <= 0:
            return drained
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=remaining)
        if fetcher._closed or not waiter.done():
            waiter.cancel()
            return {}
        waiter.result()  # raises what the coordinator found, such as a refused authorisation


def _drain(
    fetcher: Any, partitions: set[Any] | None, max_records: int | None, batched: Callable[[str], bool]
) -> dict[Any, list[Any]]:
    drained: dict[Any, list[Any]] = {}
    for tp in list(fetcher._records):
        if partitions and tp not in partitions:
            if not fetcher._subscriptions.is_assigned(tp):
                del fetcher._records[tp]
            continue
        result = fetcher._records[tp]
        if type(result) is not FetchResult:
            if drained:
                break  # hand over what is good; the error is raised by the next call
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
            result.check_raise()
            continue
        try:
            if batched(tp.topic):
                batch = _whole(result, tp)
                records = [] if batch is None else [batch]
            else:
                records = result.getall(max_records)
        except Exception:
            # The buffer is partly used up. Without it, the next fetch begins at the position, which has not
            # moved; with it, the records that came before the fault would be left out in silence.
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
            if drained:
                break
            raise
        if not result.has_more():
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)
        if records:
            drained[tp] = records
    return drained


def _whole(result: Any, tp: Any) -> RecordBatch | None:
    """Unpack everything a fetch result holds and move the position behind it; None when it is stale."""
    if not result.check_assignment(tp) or not result.has_more():
        return None
    partition = result._partition_records
    batch = _unpack(partition, tp)
    partition.next_fetch_offset = batch.next_offset
    result._update_position()
    result._partition_records = None
    return batch


def _unpack(partition: Any, tp: Any) -> RecordBatch:
    records: list[Any] = []
    buffers = partition._records
    begin = position = partition.next_fetch_offset
    earliest, latest = 2**62, -1
    while buffers.has_next():
        batch = buffers.next_batch()
        if partition._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {tp}")
        if _is_to_be_skipped(partition, batch):
            position = max(position, batch.next_offset)
            continue
        try:
            new = list(batch)
        except (UnicodeDecodeError, CorruptRecordException) as why:
            # The second is how aiokafka's parser in Python, for lack of the compiled one, says the first.
            if not isinstance(why.__cause__ or why, UnicodeDecodeError):
                raise
            new = tolerant(buffers.data, batch.base_offset)
        if new and new[0].offset < position:  # a compressed batch is sent whole, from its beginning
            new = [record for record in new if record.offset >= position]
        records += new
        if new:
            position = max(new[-1].offset + 1, batch.next_offset)
            timestamps = _bounds(new)
            earliest, latest = min(earliest, timestamps[0]), max(latest, timestamps[1])
        else:
            position = max(position, batch.next_offset)
    if latest < 0:
        earliest = latest = int(time.time() * 1000)  # records without timestamps came when they were fetched
    return RecordBatch(
        tp.topic,
        tp.partition,
        records,
        position=begin,
        next_offset=position,
        earliest_ms=earliest,
        latest_ms=latest,
    )


def _bounds(records: list[Any]) -> tuple[int, int]:
    """The earliest and latest timestamp of a batch in milliseconds; (large, -1) when it has none."""
    timestamps = list(map(_timestamp, records))
    if None in timestamps or min(timestamps) < 0:  # formats before 0.11, and producers that give none
        timestamps = [one for one in timestamps if one is not None and one >= 0]
    return (min(timestamps), max(timestamps)) if timestamps else (2**62, -1)


def _is_to_be_skipped(partition: Any, batch: Any) -> bool:
    """Whether a batch holds no record of the topic: a transaction marker, or records that were aborted."""
    if partition._isolation_level == READ_COMMITTED and batch.producer_id is not None:
        partition._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and partition._contains_abort_marker(batch):
            partition._aborted_producers.discard(batch.producer_id)
        if batch.is_transactional and batch.producer_id in partition._aborted_producers:
            return True
    return bool(batch.is_control_batch)
