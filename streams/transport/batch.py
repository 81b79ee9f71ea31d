"""A record batch: the records that one fetch brought for one partition, unpacked but not decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Protocol


class Record(Protocol):
    """What a record holds, as aiokafka's parsers give it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


_value = attrgetter("value")


class RecordBatch:
    """Records of one partition in order of offset; also what the ledger asks of arrivals.

    `position` is where reading began, and `next_offset` where it goes on: past the last record, and past
    anything after it that is no record of the topic (transaction markers, compacted records).
    `earliest_ms` and `latest_ms` bound the records' timestamps. A batch can be empty when only such gaps
    were fetched.
    """

    __slots__ = ("_records", "earliest_ms", "latest_ms", "next_offset", "partition", "position", "topic")

    def __init__(
        self,
        topic: str,
        partition: int,
        records: list[Record],
        *,
        position: int,
        next_offset: int,
        earliest_ms: int,
        latest_ms: int,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self._records = records
        self.position = position
        self.next_offset = next_offset
        self.earliest_ms = earliest_ms
        self.latest_ms = latest_ms

    def __len__(self) -> int:
        return len(self._records)

    def parts(self, size: int) -> Iterator[RecordBatch]:
        """The batch in parts of at most `size` records, each going on where the one before ends."""
        if len(self._records) <= size:
            yield self
            return
        position = self.position
        for start in range(0, len(self._records), size):
            stop = start + size
            last = stop >= len(self._records)
            next_offset = self.next_offset if last else self._records[stop].offset
            yield RecordBatch(
                self.topic,
                self.partition,
                self._records[start:stop],
                position=position,
                next_offset=next_offset,
                earliest_ms=self.earliest_ms,
                latest_ms=self.latest_ms,
            )
            position = next_offset

    def bodies(self) -> list[bytes | None]:
        """The records' values."""
        return list(map(_value, self._records))

    def record(self, index: int) -> Record:
        """The record at an index."""
        return self._records[index]

    def offset(self, index: int) -> int:
        """The offset of the record at an index."""
        return self._records[index].offset

    def timestamp_ms(self, index: int) -> int:
        """When a record was sent, in milliseconds since 1970; `latest_ms` where it does not say."""
        timestamp = self._records[index].timestamp
        return self.latest_ms if timestamp is None or timestamp < 0 else timestamp

    def headers(self, index: int) -> Sequence[tuple[str, bytes | None]]:
        """The headers of the record at an index."""
        return self._records[index].headers
