"""Record batches as they come over the wire, built with aiokafka's own builders and then bent."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

TP = TopicPartition("exchanges", 0)
SENT_MS = 1_790_000_000_000
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
_CONTROL = 0x20
_TIMED_BY_BROKER = 0x08
_LENGTH_AT, _CRC_AT, _ATTRIBUTES_AT, _LAST_DELTA_AT = 8, 17, 21, 23
FIRST_TIMESTAMP_AT, _LAST_TIMESTAMP_AT, HEADER = 27, 35, 61
_HEADER_FORMAT = ">qiibIhiqqqhii"
_CODECS: dict[int, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    NONE: (bytes, bytes),
    GZIP: (codec.gzip_encode, codec.gzip_decode),
    SNAPPY: (codec.snappy_encode, codec.snappy_decode),
    LZ4: (codec.lz4_encode, codec.lz4_decode),
    ZSTD: (codec.zstd_encode, codec.zstd_decode),
}
Headers = list[tuple[str, bytes | None]]
# Offset after the batch's own, timestamp, key, value, headers.
Row = tuple[int, int | None, bytes | None, bytes | None, Headers]


def rows(count: int, *, size: int = 20) -> list[Row]:
    """Records in a row."""
    return [(n, SENT_MS + n, b"key", b"%d" % n * size, [("ce_id", b"%d" % n)]) for n in range(count)]


def without_headers(count: int) -> list[Row]:
    """Records in a row, as formats before the present one had them."""
    return [(delta, at, key, value, []) for delta, at, key, value, _ in rows(count)]


def modern(
    base: int,
    records: Sequence[Row],
    *,
    compression: int = NONE,
    producer: int = -1,
    transactional: bool = False,
    control: bool = False,
    last_delta: int | None = None,
) -> bytes:
    """A batch of format 2 at an offset; `last_delta` where records at its end were compacted away."""
    builder = DefaultRecordBatchBuilder(2, compression, int(transactional), producer, 0, 0, 1 << 24)
    for delta, timestamp, key, value, headers in records:
        assert builder.append(delta, timestamp, key, value, headers) is not None
    raw = bytearray(builder.build())
    struct.pack_into(">q", raw, 0, base)
    if control:
        attributes = struct.unpack_from(">h", raw, _ATTRIBUTES_AT)[0]
        struct.pack_into(">h", raw, _ATTRIBUTES_AT, attributes | _CONTROL)
    if last_delta is not None:
        struct.pack_into(">i", raw, _LAST_DELTA_AT, last_delta)
    return sealed(raw)


def emptied(base: int, last_delta: int) -> bytes:
    """A batch of which compaction left only the frame."""
    header = (base, HEADER - 12, 0, 2, 0, 0, last_delta, -1, -1, -1, -1, -1, 0)
    return sealed(bytearray(struct.pack(_HEADER_FORMAT, *header)))


def marker(base: int, producer: int, *, abort: bool) -> bytes:
    """The end of a transaction."""
    key = struct.pack(">hh", 0, 0 if abort else 1)
    return modern(
        base,
        [(0, 1_790_000_000_000, key, b"\0" * 6, [])],
        producer=producer,
        transactional=True,
        control=True,
    )


def legacy(base: int, records: Sequence[Row], *, magic: int = 1, compression: int = NONE) -> bytes:
    """A message set of format 0 or 1, with inner offsets as each format has them."""
    builder = LegacyRecordBatchBuilder(magic, compression, 1 << 24)
    for delta, timestamp, key, value, _ in records:
        offset = delta if compression and magic == 1 else base + delta
        assert builder.append(offset, timestamp if magic else None, key, value, []) is not None
    raw = bytearray(builder.build())
    if compression:
        struct.pack_into(">q", raw, 0, base + records[-1][0])  # the wrapper has its last record's offset
    return bytes(raw)


def bent(batch: bytes, how: Callable[[bytes], bytes]) -> bytes:
    """A batch with its records' bytes changed, compressed again as they were."""
    compression = batch[_ATTRIBUTES_AT + 1] & 0x07
    encode, decode = _CODECS[compression]
    raw = bytearray(batch[:HEADER] + encode(how(decode(batch[HEADER:]))))
    struct.pack_into(">i", raw, _LENGTH_AT, len(raw) - 12)
    return sealed(raw)


def timed_by_broker(batch: bytes, at_ms: int) -> bytes:
    """A batch of a topic whose timestamps are those of arrival."""
    raw = bytearray(batch)
    raw[_ATTRIBUTES_AT + 1] |= _TIMED_BY_BROKER
    struct.pack_into(">q", raw, _LAST_TIMESTAMP_AT, at_ms)
    return sealed(raw)


def sealed(raw: bytearray) -> bytes:
    """With the checksum that fits."""
    struct.pack_into(">I", raw, _CRC_AT, calc_crc32c(bytes(raw[_ATTRIBUTES_AT:])))
    return bytes(raw)


def partition_records(
    data: bytes,
    position: int = 0,
    *,
    aborted: Sequence[tuple[int, int]] = (),
    isolation: int = READ_COMMITTED,
) -> Any:
    """What aiokafka's fetcher makes of a response; it can be read once."""
    records = fetcher.MemoryRecords(data)  # by the name that the fetcher itself uses
    return PartitionRecords(TP, records, list(aborted), position, None, None, True, isolation)
