"""What is measured in a window that slides over sorted entries, and whether a rule's condition holds."""

from __future__ import annotations

import math
import operator
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from alerts.rule import Condition, Operator

Scalar = str | int
MILLIONTHS = 1_000_000  # sums are kept in whole millionths: exact, so alike in whatever order they are made


# One event in a window: time in milliseconds, id, part, agency, value (numbers in millionths). A plain tuple,
# as one is made for every observation, and sorted as it stands.
Entry = tuple[int, str, int, str, Scalar | None]


_COMPARE: dict[Operator, Callable[[float, float], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def test_of(condition: Condition) -> Callable[[float], bool]:
    """A function that tells whether all comparisons hold for a figure."""
    if len(condition.comparisons) == 1:
        ((name, limit),) = condition.comparisons
        compare = _COMPARE[name]
        return lambda seen: compare(seen, limit)
    return lambda seen: all(_COMPARE[name](seen, limit) for name, limit in condition.comparisons)


def grows(condition: Condition) -> bool:
    """Whether more can only make it true: it has nothing but lower bounds."""
    return bool(condition.comparisons) and all(name in ("gt", "gte") for name, _ in condition.comparisons)


class Measure(Protocol):
    """A figure over the entries of a window, kept up as entries come at its end and go at its beginning."""

    def add(self, entry: Entry) -> None:
        """Take in an entry that comes after all others."""

    def insert(self, entry: Entry) -> None:
        """Take in an entry that may come anywhere."""

    def remove(self, entry: Entry) -> None:
        """Let the oldest entry go."""

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:
        """The figure for the window of the entries from `low` to before `high`."""

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:
        """No less than the figure for any window of entries from `first` on, where those from `low` on are
        measured; for figures that grow."""


class Count:
    """How many events: what the window's own bounds say."""

    __slots__ = ()

    def add(self, entry: Entry) -> None:
        """Nothing to keep up."""

    insert = remove = add

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:  # noqa: ARG002
        """The count."""
        return high - low

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:  # noqa: ARG002
        """All of them."""
        return len(entries) - first


class Distinct(msgspec.Struct, gc=False, eq=False):
    """How many different values."""

    counts: dict[Scalar | None, int] = {}

    def add(self, entry: Entry) -> None:
        """One more of its value."""
        value = entry[4]
        self.counts[value] = self.counts.get(value, 0) + 1

    insert = add

    def remove(self, entry: Entry) -> None:
        """One less of its value."""
        value = entry[4]
        left = self.counts[value] - 1
        if left:
            self.counts[value] = left
        else:
            del self.counts[value]

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:  # noqa: ARG002
        """The number of values."""
        return len(self.counts)

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:  # noqa: ARG002
        """As if all others were different."""
        return len(self.counts) + low - first


def _number(entry: Entry) -> int:
    return entry[4]  # type: ignore[return-value]  # windows of numbers take in nothing else


class Sum(msgspec.Struct, gc=False, eq=False):
    """The sum of the values."""

    total: int = 0

    def add(self, entry: Entry) -> None:
        """Its value more."""
        self.total += _number(entry)

    insert = add

    def remove(self, entry: Entry) -> None:
        """Its value less."""
        self.total -= _number(entry)

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:  # noqa: ARG002
        """The sum, in units."""
        return self.total / MILLIONTHS

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:
        """As if all others were in it; values of sums that grow are not negative."""
        return (self.total + sum(map(_number, entries[first:low]))) / MILLIONTHS


class Average(Sum):
    """The mean of the values."""

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:  # noqa: ARG002
        """The mean, in units."""
        return self.total / (high - low) / MILLIONTHS


class Percentile:
    """A percentile of the values, between the two nearest ranks by their distance."""

    __slots__ = ("_ordered", "_share")

    def __init__(self, percentile: float) -> None:
        self._share = percentile / 100
        self._ordered: list[int] = []

    def add(self, entry: Entry) -> None:
        """One more value."""
        insort(self._ordered, _number(entry))

    insert = add

    def remove(self, entry: Entry) -> None:
        """One value less."""
        del self._ordered[bisect_left(self._ordered, _number(entry))]

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:  # noqa: ARG002
        """The percentile, in units."""
        rank = self._share * (len(self._ordered) - 1)
        below = math.floor(rank)
        above = math.ceil(rank)
        value = self._ordered[below] + (self._ordered[above] - self._ordered[below]) * (rank - below)
        return value / MILLIONTHS

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:  # noqa: ARG002
        """Percentiles do not grow: nothing is known before the window is complete."""
        return math.inf
