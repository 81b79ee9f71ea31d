"""Merges the histograms of millions of cells, by pair, while their sums are read.

A cell's histogram is MessagePack of bucket -> count (monitor.ledger.histogram). The database puts those of a
pair and day together as hexadecimal text, so that a row is fetched for each pair and day, not for each cell.
Nearly every entry of a histogram is four bytes: 0xcd, the bucket in two bytes, and a count below 128 in one.
Where all entries of many blobs have that form, equal ones are counted as 32-bit numbers, which is done in C.
Nothing needs to be decoded to know: the first entry of any other form would stand at a multiple of four, and
would there either not begin with 0xcd (a bucket below 256, or below 0), or have a byte above 127 as its
fourth (a count of 128 or more). Blobs with such an entry are decoded one by one.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, func

from monitor.ledger.histogram import Histogram, decode, merge
from monitor.storage.tables import cells

# What is held before it is merged: enough that a pair's blobs of many hours meet, so that equal entries are
# counted together.
BUFFER_BYTES: Final = 64 * 1024 * 1024
_SEPARATOR: Final = ","
_ENTRY: Final = 4
_LONG_MAP: Final = 0xDE  # a map of 16 entries or more: two bytes of count follow
_UINT16: Final = 0xCD
_WORDS: Final = next(code for code in "IL" if array(code).itemsize == _ENTRY)


K = TypeVar("K", bound=Hashable)


def together(dialect: str, packed: ColumnElement[bytes] = cells.c.latency) -> ColumnElement[Any]:
    """The histograms of a group of rows as one text: hexadecimal, with commas between."""
    if dialect == "postgresql":
        return func.string_agg(func.encode(packed, "hex"), _SEPARATOR)
    return func.group_concat(func.hex(packed), _SEPARATOR)


class Merging(Generic[K]):
    """Merges what `together` gives, by pair or another key; memory is bounded by keys and BUFFER_BYTES."""

    def __init__(self) -> None:
        self._waiting: defaultdict[K, list[bytes]] = defaultdict(list)
        self._held = 0
        self._found: dict[K, Histogram] = {}

    def add(self, key: K, text: str) -> None:
        """Take some histograms of a key. Raises ValueError for what is not hexadecimal."""
        self._waiting[key] += map(bytes.fromhex, text.split(_SEPARATOR))
        self._held += len(text) // 2
        if self._held >= BUFFER_BYTES:
            self._settle()

    def done(self) -> dict[K, Histogram]:
        """The merged histogram of each key. Raises msgspec.DecodeError for what is no histogram."""
        self._settle()
        return self._found

    def _settle(self) -> None:
        for key, blobs in self._waiting.items():
            add_packed(self._found.setdefault(key, {}), blobs)
        self._waiting.clear()
        self._held = 0


def add_packed(into: Histogram, blobs: Iterable[bytes]) -> None:
    """Add packed histograms to one; an empty blob holds nothing. Raises msgspec.DecodeError."""
    held = [blob for blob in blobs if blob]
    joined = b"".join([blob[3:] if blob[0] == _LONG_MAP else blob[1:] for blob in held])
    if joined[::_ENTRY].count(_UINT16) * _ENTRY != len(joined) or not joined[3::_ENTRY].isascii():
        _one_by_one(into, held)
        return
    get = into.get
    words = array(_WORDS, joined)
    if sys.byteorder == "little":
        for word, times in Counter(words).items():
            bucket = word & 0xFF00 | word >> 16 & 0xFF
            into[bucket] = get(bucket, 0) + (word >> 24) * times
    else:
        for word, times in Counter(words).items():
            bucket = word >> 8 & 0xFFFF
            into[bucket] = get(bucket, 0) + (word & 0xFF) * times


def _one_by_one(into: Histogram, blobs: list[bytes]) -> None:
    """Blobs with other entries: those of the usual form together, the others decoded."""
    usual = []
    for blob in blobs:
        start = 3 if blob[0] == _LONG_MAP else 1
        regular = blob[start::_ENTRY].count(_UINT16) * _ENTRY == len(blob) - start
        if regular and blob[start + 3 :: _ENTRY].isascii():
            usual.append(blob)
        else:
            merge(into, decode(blob))
    if usual:
        add_packed(into, usual)
