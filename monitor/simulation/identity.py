"""Identifiers in the shape of ULIDs: ten characters of time, sixteen that no other event has."""

from __future__ import annotations

from random import Random

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_TWO = tuple(first + second for first in _ALPHABET for second in _ALPHABET)  # ten bits
_FORTY_BITS = (1 << 40) - 1
_SPREAD = 0x9E3779B97F | 1  # odd, so that multiplying by it modulo 2**40 maps no two counters to one


class Identities:
    """A source of ids, all different; the same for the same random generator."""

    def __init__(self, rng: Random) -> None:
        self._stem = _eight(rng.getrandbits(40))
        self._counter = rng.getrandbits(40)
        self._high, self._epoch = -1, ""

    def next(self, milliseconds: int) -> str:
        """An id for an event at `milliseconds` since 1970."""
        high = milliseconds >> 20
        if high != self._high:
            self._high, self._epoch = high, _eight(high)[2:]
        self._counter = counter = (self._counter + _SPREAD) & _FORTY_BITS
        two = _TWO
        return (
            f"{self._epoch}{two[milliseconds >> 10 & 1023]}{two[milliseconds & 1023]}{self._stem}"
            f"{two[counter >> 30]}{two[counter >> 20 & 1023]}{two[counter >> 10 & 1023]}{two[counter & 1023]}"
        )


def _eight(number: int) -> str:
    return "".join(_TWO[number >> shift & 1023] for shift in (30, 20, 10, 0))
