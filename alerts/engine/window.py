"""The events of one group that a sliding window may still need, and which of them were counted already."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

import msgspec

from alerts.engine.groups import BEFORE_ALL
from alerts.engine.measures import Entry, Measure

ALL_AT_ONCE = -1
# Removing from the front moves the rest: not for every single entry. As often it is looked whether some are
# outdated, which touches memory that is not in the cache; a power of two.
PRUNED_AT_ONCE = 32
BETWEEN_LOOKS = PRUNED_AT_ONCE - 1  # as a mask of how many entries there are


class Saved(msgspec.Struct, array_like=True):
    """A window as it is stored."""

    entries: list[Entry]
    covered: Sequence[tuple[int, int]]
    ended: list[tuple[int, str]]
    undecided: int
    last_ms: int


class Window(msgspec.Struct, gc=False, eq=False):
    """Sorted entries; those from `low` on are the window that `measure` holds.

    Where conditions are decided later, it holds those from `low` to before `undecided`, the first entry with
    which no decided window ends; otherwise `undecided` is ALL_AT_ONCE.

    `covered` are the stretches of time, each after its first and up to its last millisecond, that satisfied
    windows have covered: every event in them was counted, and one that comes late into one is counted at
    once. That makes what is counted a function of the events alone, whatever their order. `ended` are the
    events with which satisfied windows ended, kept where another rule is chained to this one. `clean` is
    whether the group is not among those to be written: asked for every event, so without a look-up.
    """

    measure: Measure
    undecided: int
    entries: list[Entry] = []
    low: int = 0
    covered: Sequence[tuple[int, int]] = ()  # replaced, never changed
    ended: set[tuple[int, str]] | None = None
    last_ms: int = BEFORE_ALL
    clean: bool = True

    def __len__(self) -> int:
        return len(self.entries)

    def prune(self, floor_ms: int, *, at_least: int | None = None) -> int:
        """Forget entries up to a time, if there are some (or `at_least` as many); return how many were."""
        entries = self.entries
        few = PRUNED_AT_ONCE if at_least is None else at_least
        if few < len(entries) and entries[few - 1][0] > floor_ms:
            return 0
        count = self.first_after(floor_ms)
        if not count or (count < few and count < len(entries)):
            return 0
        self.drop(count)
        if self.covered:
            self.covered = [each for each in self.covered if each[1] > floor_ms]
        if self.ended:
            self.ended = {end for end in self.ended if end[0] > floor_ms}
        return count

    def drop(self, count: int) -> None:
        """Forget the oldest entries."""
        measured = count
        if self.undecided != ALL_AT_ONCE:
            measured = min(count, self.undecided)
            self.undecided = max(self.undecided - count, 0)
        for entry in self.entries[self.low : measured]:
            self.measure.remove(entry)
        del self.entries[:count]
        self.low = max(self.low - count, 0)

    def slide(self, time_ms: int) -> None:
        """Let the window begin after a time."""
        entries, low = self.entries, self.low
        while entries[low][0] <= time_ms:
            self.measure.remove(entries[low])
            low += 1
        self.low = low

    def holds(self, entry: Entry) -> bool:
        """Whether an entry is there already: an event is its time and its id."""
        identity = entry[:3]  # comes before what it is the beginning of
        at = bisect_left(self.entries, identity)
        return at < len(self.entries) and self.entries[at][:3] == identity

    def insert(self, entry: Entry) -> int:
        """Take in an entry where it belongs; return its index."""
        at = bisect_left(self.entries, entry[:3])
        self.entries.insert(at, entry)
        return at

    def covers(self, time_ms: int) -> tuple[int, int] | None:
        """The covered stretch that holds a time."""
        at = bisect_left(self.covered, time_ms, key=_end)
        if at < len(self.covered) and self.covered[at][0] < time_ms:
            return self.covered[at]
        return None

    def end(self, time_ms: int, event_id: str) -> bool:
        """Note that a satisfied window ends with an event; whether that is new."""
        if self.ended is None:
            self.ended = set()
        before = len(self.ended)
        self.ended.add((time_ms, event_id))
        return len(self.ended) > before

    def cover(self, after_ms: int, until_ms: int) -> list[Entry]:
        """Cover a stretch; return the entries in it that were not covered before, in order."""
        covered = self.covered
        if covered and covered[-1][0] <= after_ms <= covered[-1][1] < until_ms:  # it goes on, as mostly
            low, high = covered[-1]
            self.covered = [*covered[:-1], (low, until_ms)]
            return self.between(high, until_ms)
        first = bisect_left(covered, after_ms, key=_end)  # those before end before it begins
        last = first
        new: list[Entry] = []
        free = after_ms
        begins, ends = after_ms, until_ms
        while last < len(covered) and covered[last][0] <= until_ms:
            low, high = covered[last]
            if low > free:
                new += self.between(free, low)
            free = max(free, high)
            begins, ends = min(begins, low), max(ends, high)
            last += 1
        if free < until_ms:
            new += self.between(free, until_ms)
        self.covered = [*covered[:first], (begins, ends), *covered[last:]]
        return new

    def between(self, after_ms: int, until_ms: int) -> list[Entry]:
        """The entries after a time and up to another."""
        entries = self.entries
        if entries and until_ms >= entries[-1][0]:  # mostly the newest few
            at = len(entries)
            for _ in range(8):
                if at == 0 or entries[at - 1][0] <= after_ms:
                    return entries[at:]
                at -= 1
        return entries[self.first_after(after_ms) : self.first_after(until_ms)]

    def ends(self, at: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """The times of entries from index `at` on and before a time, each with the index after its last."""
        entries = self.entries
        while at < len(entries) and entries[at][0] < until_ms:
            time_ms = entries[at][0]
            at += 1
            while at < len(entries) and entries[at][0] == time_ms:
                at += 1
            yield time_ms, at

    def encoded(self) -> bytes:
        """As it is stored."""
        return _encoder.encode(
            Saved(self.entries, self.covered, sorted(self.ended or ()), self.undecided, self.last_ms)
        )

    @classmethod
    def decoded(cls, encoded: bytes, measure: Callable[[], Measure]) -> Window:
        """From `encoded`, with nothing measured yet. Raises msgspec.DecodeError."""
        saved = _decoder.decode(encoded)
        window = cls(measure(), saved.undecided)
        window.entries = saved.entries
        window.covered = saved.covered
        window.ended = set(saved.ended) or None
        window.last_ms = saved.last_ms
        return window

    def measure_from(self, low: int, high: int) -> None:
        """Measure the entries of a window anew."""
        self.low = low
        for entry in self.entries[low:high]:
            self.measure.add(entry)

    def first_after(self, time_ms: int) -> int:
        """The index of the first entry after a time."""
        return bisect_left(self.entries, (time_ms + 1,))  # times are whole


def _end(stretch: tuple[int, int]) -> int:
    return stretch[1]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Saved)
