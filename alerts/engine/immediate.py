"""Windows whose condition more events can only make true: tried at once, whenever an event comes.

A late event is tried with every window that it lies in, so what is counted does not depend on the order.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection

from alerts.engine.groups import Limits
from alerts.engine.kind import UNCHANGED, Observed
from alerts.engine.measures import Entry, Scalar
from alerts.engine.sliding import Windows
from alerts.engine.window import ALL_AT_ONCE, BETWEEN_LOOKS, Window
from alerts.model import Detection, Group
from alerts.rule import Correlation

_SPARE = 1_000  # outdated entries that the queue may hold before it is made anew


class Immediate(Windows):
    """Lower bounds of counts and sums, and the parts of temporal rules."""

    first_undecided = ALL_AT_ONCE

    def __init__(self, rule: Correlation, limits: Limits) -> None:
        super().__init__(rule, limits)
        self._queue: list[tuple[int, Group]] = []  # a heap: when to look whether a group's windows are over
        # A count is compared without a call: most rules count.
        self._least: int | None = None
        if rule.type == "event_count":
            bounds = rule.condition.comparisons
            self._least = max(
                math.floor(limit) + 1 if name == "gt" else math.ceil(limit) for name, limit in bounds
            )

    def apply_all(self, observations: list[Observed], found: list[Detection]) -> list[Observed]:
        """As `apply` one after the other; counts far below their threshold without a call for each."""
        if self._least is None:
            return super().apply_all(observations, found)
        states, least, most = self._states, self._least, self._most
        floor, apply = self._floor, self.apply
        unchanged: set[int] = set()
        added = 0
        for at, observation in enumerate(observations):
            group, time_ms, event_id, agency, _, _ = observation
            window = states.get(group)
            if window is None and least > 1:
                self._begin(group, (time_ms, event_id, 0, agency, None))
                continue
            if window is not None and floor < window.last_ms < time_ms and not window.clean:
                entries = window.entries
                size = len(entries)
                if size & BETWEEN_LOOKS and size < most and size - window.low + 1 < least:
                    entries.append((time_ms, event_id, 0, agency, None))
                    window.last_ms = time_ms
                    added += 1
                    continue
            new = apply(observation)
            if new is UNCHANGED:
                unchanged.add(at)
            elif new:
                found += new
        self._total += added
        if unchanged:
            return [each for at, each in enumerate(observations) if at not in unchanged]
        return observations[:]

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Take one observation in; return what it completes."""
        group, time_ms, event_id, agency, part, given = observation
        value: Scalar | None = None
        if self._of_value:
            value = self._usable(given)
            if value is None:
                return UNCHANGED
        elif self._in_parts:
            value = part
        else:
            part = 0  # an event that matches two parts is still one event
        if self._total >= self._most_of_all:
            self._make_room()
        window = self._states.get(group)
        if window is None:
            window = self._open(group)
            self._expire_at(time_ms + self._span, group)
        entries = window.entries
        entry: Entry = (time_ms, event_id, part, agency, value)
        late = time_ms <= window.last_ms
        if late and window.holds(entry):  # a restored engine is not shown it again
            return UNCHANGED
        size = len(entries)
        if (size and (not size & BETWEEN_LOOKS or window.last_ms <= self._floor)) or size >= self._most:
            self._trim(window)
        if late:
            self._total += 1
            self._touch(group)
            return self._put(group, window, entry)
        # In order, as nearly all are.
        entries.append(entry)
        self._total += 1
        window.last_ms = time_ms
        if window.clean:
            window.clean = False
            self._touch(group)
        begins = time_ms - self._span
        if self._least is None:
            window.measure.add(entry)
            if entries[window.low][0] <= begins:
                window.slide(begins)
            seen = window.measure.seen(entries, window.low, len(entries))
            if not self._holds(seen):
                return ()
        else:
            # Sliding makes it only fewer: most groups never have as many at all.
            if len(entries) - window.low < self._least:
                return ()
            if entries[window.low][0] <= begins:
                window.slide(begins)
            seen = len(entries) - window.low
            if seen < self._least:
                return ()
        self._complete(group, window, time_ms, len(entries))
        return self._report(group, window.cover(begins, time_ms), seen)

    def _begin(self, group: Group, entry: Entry) -> None:
        """Open a window for a group's first event, where one is too few."""
        self._states[group] = Window(self._measure(), ALL_AT_ONCE, [entry], last_ms=entry[0], clean=False)
        self._total += 1
        self._touch(group)
        self._expire_at(entry[0] + self._span, group)

    def _put(self, group: Group, window: Window, entry: Entry) -> Collection[Detection]:
        """Take in an entry that is not the newest, and try the windows that it lies in again."""
        entries = window.entries
        time_ms = entry[0]
        at = window.insert(entry)
        if at < window.low or time_ms <= entries[-1][0] - self._span:
            window.low += 1
        elif at == len(entries) - 1:
            window.measure.add(entry)
        else:
            window.measure.insert(entry)
        new: list[Entry] = []
        stretch = window.covers(time_ms)
        if stretch is not None:
            if not (self._in_parts and _beside_itself(entries, at)):
                new.append(entry)
            if self.completions is None and self._all_covered(window, time_ms, stretch):
                return self._report(group, new, self._threshold)
        first = window.first_after(time_ms - self._span)
        if not self._holds(window.measure.could_reach(entries, first, window.low)):
            return self._report(group, new, self._threshold)
        return self._try_again(group, window, at, first, new)

    def _try_again(
        self, group: Group, window: Window, at: int, first: int, new: list[Entry]
    ) -> Collection[Detection]:
        """Try the windows that the entry at an index lies in; the first of them begins with entry `first`."""
        entries = window.entries
        time_ms = entries[at][0]
        best: float = self._threshold
        measure, low, high = self._measure(), first, first
        while at and entries[at - 1][0] == time_ms:
            at -= 1
        for end_ms, after in window.ends(at, time_ms + self._span):
            for each in entries[high:after]:
                measure.add(each)
            high = after
            while entries[low][0] <= end_ms - self._span:
                measure.remove(entries[low])
                low += 1
            seen = measure.seen(entries, low, high)
            if self._holds(seen):
                best = seen
                new += window.cover(end_ms - self._span, end_ms)
                self._complete(group, window, end_ms, high)
        return self._report(group, sorted(new), best)

    def _all_covered(self, window: Window, time_ms: int, stretch: tuple[int, int]) -> bool:
        """Whether every event that shares a window with one at a time was counted already."""
        entries = window.entries
        first = entries[window.first_after(time_ms - self._span)]
        last = entries[window.first_after(time_ms + self._span - 1) - 1]
        return stretch[0] < first[0] and last[0] <= stretch[1]

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Forget the groups whose windows are all over."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        self._floor = watermark_ms - self._span
        queue = self._queue
        while queue and queue[0][0] < watermark_ms:
            _, group = queue[0]
            window = self._states.get(group)
            if window is not None and window.last_ms >= self._floor:
                heapq.heapreplace(queue, (window.last_ms + self._span, group))
                continue
            heapq.heappop(queue)
            if window is not None:
                self._drop(group)
        return ()

    def _expire_at(self, due_ms: int, group: Group) -> None:
        """Look at a group at a time, whether its windows are over.

        No later than they are: which groups are left is then the same in an engine that was restored.
        """
        queue = self._queue
        # A flood of groups that come and go must not leave a queue of them behind.
        if len(queue) > 2 * len(self._states) + _SPARE:
            queue[:] = sorted((window.last_ms + self._span, each) for each, window in self._states.items())
        heapq.heappush(queue, (due_ms, group))

    def _restored(self, group: Group, state: Window) -> None:
        newest = state.entries[-1][0]
        state.measure_from(state.first_after(newest - self._span), len(state.entries))
        self._expire_at(state.last_ms + self._span, group)


def _beside_itself(entries: list[Entry], at: int) -> bool:
    """Whether the entry's event is there as another part too."""
    mine = entries[at][:2]
    return (at > 0 and entries[at - 1][:2] == mine) or (at + 1 < len(entries) and entries[at + 1][:2] == mine)
