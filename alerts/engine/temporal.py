"""Rules whose parts must all match: how many of them are in the order that the rule names them in.

Without an order, a temporal rule counts different parts like values (`alerts.engine.measures.Distinct`).
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.engine.measures import Entry


class InOrder:
    """How many of a rule's parts, from the first on, came one after the other, with different events.

    `_starts[i]` is the latest time at which a chain of the parts 0 to i begins: a chain lies within a window
    when its start does, so nothing must be undone when entries go.
    """

    __slots__ = ("_before", "_counts", "_last", "_stale", "_starts")

    def __init__(self, parts: int) -> None:
        self._counts = [0] * parts
        self._stale = True  # until all parts are there: in most groups they never are

    def _forget(self) -> None:
        self._starts: list[int | None] = [None] * len(self._counts)
        self._before = list(self._starts)
        self._last: tuple[int, str] | None = None
        self._stale = False

    def add(self, entry: Entry) -> None:
        """Lengthen chains by an entry that comes after all others."""
        self._counts[entry[2]] += 1
        if not self._stale:
            self._step(entry)

    def insert(self, entry: Entry) -> None:
        """Take in an entry that comes between others: chains are then found anew when it matters."""
        self._counts[entry[2]] += 1
        self._stale = True

    def remove(self, entry: Entry) -> None:
        """One less of its part."""
        self._counts[entry[2]] -= 1

    def seen(self, entries: Sequence[Entry], low: int, high: int) -> float:
        """How many parts, the first one first, are in order; 0 while any has not come at all."""
        if 0 in self._counts:
            return 0
        if self._stale:
            self._forget()
            for entry in entries[low:high]:
                self._step(entry)
        first = entries[low][0]
        reached = 0
        for start in self._starts:
            if start is None or start < first:
                break
            reached += 1
        return reached

    def could_reach(self, entries: Sequence[Entry], first: int, low: int) -> float:
        """How many parts there are at all."""
        there = {entry[2] for entry in entries[first:low]}
        return sum(1 for part, count in enumerate(self._counts) if count or part in there)

    def _step(self, entry: Entry) -> None:
        time_ms, event_id, part = entry[:3]
        if self._last != (time_ms, event_id):
            self._last = (time_ms, event_id)
            self._before = list(self._starts)  # one event does not follow itself
        start = time_ms if part == 0 else self._before[part - 1]
        held = self._starts[part]
        if start is not None and (held is None or start > held):
            self._starts[part] = start
