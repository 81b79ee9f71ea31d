"""Windows whose condition more events can also make false: decided when the watermark has passed their end,
as only then all of their events have come."""

from __future__ import annotations

from collections.abc import Collection

from alerts.engine.kind import UNCHANGED, Observed
from alerts.engine.measures import Entry, Scalar
from alerts.engine.sliding import Windows
from alerts.engine.window import BETWEEN_LOOKS, Window
from alerts.model import Detection, Group


class Deferred(Windows):
    """Upper bounds, equality, averages and percentiles."""

    first_undecided = 0

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Take one observation in; nothing is found before the watermark moves."""
        group, time_ms, event_id, agency, _, given = observation
        value: Scalar | None = None
        if self._of_value:
            value = self._usable(given)
            if value is None:
                return UNCHANGED
        if self._total >= self._most_of_all:
            self._make_room()
        window = self._states.get(group)
        if window is None:
            window = self._open(group)
        entries = window.entries
        entry: Entry = (time_ms, event_id, 0, agency, value)
        late = time_ms <= window.last_ms
        if late and window.holds(entry):  # a restored engine is not shown it again
            return UNCHANGED
        size = len(entries)
        if (size and (not size & BETWEEN_LOOKS or window.last_ms <= self._floor)) or size >= self._most:
            self._trim(window)
        if late:
            window.insert(entry)
        else:
            entries.append(entry)
            window.last_ms = time_ms
        self._total += 1
        if window.clean:
            window.clean = False
            self._touch(group)
        due = self._timers.get(group)
        if due is None or time_ms < due:
            self._timers.set(group, time_ms)
        return ()

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Decide the windows that end before the watermark, and forget the groups whose are all over."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        self._floor = watermark_ms - self._span
        found: list[Detection] = []
        for group in self._timers.pop(watermark_ms):
            window = self._states[group]
            found += self._decide(group, window)
            if group in self._states:
                self._schedule(group, window)
        return found

    def _decide(self, group: Group, window: Window) -> Collection[Detection]:
        if window.undecided == len(window.entries):
            if window.last_ms < self._floor:
                self._drop(group)
            return ()
        self._touch(group)
        entries = window.entries
        new: list[Entry] = []
        best: float = self._threshold
        for end_ms, after in window.ends(window.undecided, self.watermark_ms):
            for entry in entries[window.undecided : after]:
                window.measure.add(entry)
            window.undecided = after
            window.slide(end_ms - self._span)
            seen = window.measure.seen(entries, window.low, after)
            if self._holds(seen):
                best = seen
                new += window.cover(end_ms - self._span, end_ms)
                self._complete(group, window, end_ms, after)
        found = self._report(group, new, best)
        self._total -= window.prune(self._floor)
        return found

    def _schedule(self, group: Group, window: Window) -> None:
        if window.undecided < len(window.entries):
            self._timers.set(group, window.entries[window.undecided][0])
        else:
            self._timers.set(group, window.last_ms + self._span)

    def _restored(self, group: Group, state: Window) -> None:
        if state.undecided:
            decided = state.entries[state.undecided - 1][0]
            state.measure_from(state.first_after(decided - self._span), state.undecided)
        self._schedule(group, state)
