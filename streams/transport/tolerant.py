"""Reads a record batch whose header names are not all UTF-8, which aiokafka's own parser refuses.

Brokers store what producers send: Kafka's protocol says that a header's name is UTF-8, and nobody checks.
aiokafka's parser raises for the whole batch then, at every fetch, so that one producer could stop a
partition for ever. This slower parser is used for such a batch only; in its names U+FFFD stands for the
bytes that are not UTF-8, which no name that the monitor looks for contains.
The layout is that of Kafka's documentation, "Message format", version 2; earlier formats have no headers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord
from aiokafka.record.memory_records import MemoryRecords

# Of every batch: offset, length of what follows, leader epoch, format.
_FRAME = struct.Struct(">qiib")
_FRAME_LENGTH = struct.calcsize(">qi")  # of offset and length themselves
# After the frame: checksum, attributes, last offset delta, first and last timestamp, producer (id, epoch,
# first sequence number), count of records.
_REST = struct.Struct(">Ihiqqqhii")
_RECORDS_AT = _FRAME.size + _REST.size
_FORMAT = 2
_NUMBER_BITS = 64  # the longest number is a varlong
_CODEC, _TIMED_BY_BROKER = 0x07, 0x08  # bits of the attributes
_DECODERS: dict[int, Callable[[Any], bytes]] = {
    0: bytes,
    1: gzip_decode,
    2: snappy_decode,
    3: lz4_decode,
    4: zstd_decode,
}


class KeptRecords(MemoryRecords):  # type: ignore[misc]  # aiokafka's classes are untyped
    """A fetch's batches as aiokafka cuts them, with the bytes they are cut from."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.data = data


def tolerant(data: bytes, base_offset: int) -> list[Any]:
    """Return the records of the batch at `base_offset` among the batches of a fetch, `data`.

    Raises CorruptRecordException where more than names is wrong with it, or it is not there.
    """
    batch = _find(data, base_offset)
    try:
        return _records(batch, base_offset)
    except (IndexError, KeyError, OverflowError, ValueError) as why:
        raise CorruptRecordException(f"Invalid record in the batch at {base_offset}: {why}") from why


def _find(data: bytes, base_offset: int) -> bytes:
    at = 0
    while at + _RECORDS_AT <= len(data):
        offset, length, _, version = _FRAME.unpack_from(data, at)
        end = at + _FRAME_LENGTH + length
        if offset == base_offset and version == _FORMAT and end <= len(data):
            return data[at:end]
        if length <= 0:
            break
        at = end
    raise CorruptRecordException(f"There is no batch of format {_FORMAT} at {base_offset}")


def _records(batch: bytes, base_offset: int) -> list[Any]:
    _, attributes, _, first_ms, last_ms, *_, count = _REST.unpack_from(batch, _FRAME.size)
    by_broker = bool(attributes & _TIMED_BY_BROKER)
    cursor = _Cursor(_DECODERS[attributes & _CODEC](batch[_RECORDS_AT:]))
    records = []
    for _ in range(count):
        end = cursor.number() + cursor.at
        cursor.at += 1  # a record's attributes: none is in use
        timestamp = first_ms + cursor.number()
        offset = base_offset + cursor.number()
        key, value = cursor.text(), cursor.text()
        headers = [(cursor.name(), cursor.text()) for _ in range(cursor.number())]
        if cursor.at != end:
            raise ValueError(f"the record at {offset} ends at byte {cursor.at}, not {end}")
        records.append(
            DefaultRecord(offset, last_ms if by_broker else timestamp, int(by_broker), key, value, headers)
        )
    if cursor.at != len(cursor.data):
        raise ValueError(f"{len(cursor.data) - cursor.at} bytes are left after its last record")
    return records


class _Cursor:
    """A place in the bytes of records."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        """A signed number: seven bits a byte, the lowest first, its sign in the lowest bit of all."""
        # aiokafka's own reader of these looks beyond the end of what it is given.
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift >= _NUMBER_BITS:
                raise ValueError(f"the number before byte {self.at} is too long")

    def name(self) -> str:
        name = self.text()
        if name is None:
            raise ValueError("a header has no name")
        return name.decode(errors="replace")

    def text(self) -> bytes | None:
        """Bytes with their length before them; a negative length is null."""
        length = self.number()
        if length < 0:
            return None
        begin, self.at = self.at, self.at + length
        return self.data[begin : self.at]
