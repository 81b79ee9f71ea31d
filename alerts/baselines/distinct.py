"""How many different values: exactly up to a few hundred, then within a few per cent in the same memory.

The k smallest of evenly spread 64-bit hashes tell how dense they lie, hence how many there are: (k - 1) / u,
with u the largest of them as a part of the whole range (Bar-Yossef and others 2002; Beyer and others 2007).
The relative standard error is 1 / sqrt(k - 2). The estimate never falls when a value is added and does not
depend on the order of values, which an alert at once needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappush, heapreplace
from typing import Final

from alerts.engine.reading import digest

KEPT: Final = 512
"""Hashes kept (4 KiB when stored): exact up to here, then with a standard error of 4.4 %."""
_HASH_BYTES: Final = 8
_RANGE: Final = float(2 ** (8 * _HASH_BYTES))


class Distinct:
    """A set of values of which at most KEPT hashes are kept."""

    __slots__ = ("_heap", "_known", "count")

    def __init__(self, hashes: Iterable[int] = (), count: int | None = None) -> None:
        self._known = set(hashes)
        self._heap = [-one for one in self._known]  # the largest kept hash is on top
        heapify(self._heap)
        self.count = len(self._known) if count is None else count

    @property
    def exact(self) -> bool:
        """Whether `count` is the number itself and not an estimate."""
        return self.count <= KEPT

    def add(self, value: str | float) -> None:
        """Take a value in, as its text; `count` is right afterwards."""
        self.add_digest(digest(str(value)))

    def add_digest(self, one: int) -> None:
        """Take a value in by its digest (`alerts.engine.reading.digest`)."""
        if one in self._known:
            return
        if len(self._heap) < KEPT:
            self._known.add(one)
            heappush(self._heap, -one)
            self.count = len(self._heap)
            return
        if one < -self._heap[0]:
            self._known.add(one)
            self._known.discard(-heapreplace(self._heap, -one))
        largest = (-self._heap[0] + 1) / _RANGE
        # The one more value that made it inexact is known for certain.
        self.count = max(KEPT + 1, self.count, int((KEPT - 1) / largest))

    def encode(self) -> bytes:
        """The kept hashes, sorted, eight bytes each."""
        return b"".join(one.to_bytes(_HASH_BYTES) for one in sorted(self._known))

    @classmethod
    def decode(cls, packed: bytes, count: int) -> Distinct:
        """Put back what `encode` gave, and `count`. Raises ValueError for broken hashes."""
        if len(packed) % _HASH_BYTES:
            raise ValueError(f"{len(packed)} bytes are no row of hashes")
        hashes = (
            int.from_bytes(packed[start : start + _HASH_BYTES])
            for start in range(0, len(packed), _HASH_BYTES)
        )
        return cls(hashes, count)
