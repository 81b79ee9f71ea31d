"""Sigma's correlations over sliding windows of event time.

An event at t ends a window (t - timespan, t]. Every event that lies in at least one window whose condition
holds is counted, once. A condition that more events can only make true is tried at once, with the windows
that an event lies in; any other is decided when the watermark has passed the window's end, as only then all
events of the window have come.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from alerts.engine.groups import Completion, Grouped, Limits, detections
from alerts.engine.kind import UNCHANGED, Observation
from alerts.engine.measures import (
    MILLIONTHS,
    Average,
    Count,
    Distinct,
    Entry,
    Measure,
    Percentile,
    Scalar,
    Sum,
    grows,
    test_of,
)
from alerts.engine.temporal import InOrder
from alerts.engine.window import ALL_AT_ONCE, Window
from alerts.model import Detection, Group
from alerts.rule import Condition, Correlation

_NUMBERS = ("value_sum", "value_avg", "value_percentile")
# A sum of so many entries stays exact in the database's and in every reader's integers.
_LARGEST = 2**53


class Windows(Grouped[Window]):
    """Windows of one correlation; the base of those that are tried at once and those decided later."""

    def __init__(self, rule: Correlation, limits: Limits) -> None:
        condition, self._measure = _measured(rule)
        # A threshold above the bound could never be reached.
        least = max((limit for _, limit in condition.comparisons), default=0)
        if rule.type in ("event_count", "value_count") and 2 * least > limits.entries:
            limits = limits._replace(entries=int(min(2 * least, limits.total)))
        super().__init__(rule.info, limits)
        self._holds = test_of(condition)
        self._span = rule.timespan * 1000
        self._timespan = rule.timespan
        self._threshold = condition.comparisons[0][1] if condition.comparisons else 0
        self._in_parts = rule.type in ("temporal", "temporal_ordered")
        self._numbers = rule.type in _NUMBERS
        self._signed = not (rule.type == "value_sum" and grows(condition))
        self._of_value = rule.type not in ("event_count", "temporal", "temporal_ordered")
        self.unusable = 0  # observations without the value that is measured

    def apply(self, observation: Observation) -> Collection[Detection]:
        """Take one observation in; return what it completes."""
        group, time_ms, event_id, agency, part, given = observation
        value: Scalar | None = part if self._in_parts else None
        if self._of_value:
            value = self._usable(given)
            if value is None:
                self.unusable += 1
                return UNCHANGED
        if self._total >= self.limits.total:
            self._make_room()
        window = self._states.get(group)
        if window is None:
            if len(self._states) >= self.limits.groups:
                self._make_room()
            window = self._states[group] = Window(self._measure(), self._first_undecided)
            self._timers.set(group, time_ms + self._span)
        entry: Entry = (time_ms, event_id, part if self._in_parts else 0, agency, value)
        before = len(window.entries)
        if before and window.entries[0][0] <= self.watermark_ms - self._span:
            window.prune(self.watermark_ms - self._span)
        if before >= self.limits.entries:
            self._drop_oldest(window)
        kept = len(window.entries)
        found = self._take(group, window, entry)
        self._total += len(window.entries) - before
        if len(window.entries) == kept:
            return UNCHANGED
        window.last_ms = max(window.last_ms, time_ms)
        if group not in self.dirty:
            self.dirty[group] = self.sequence
        return found

    _first_undecided = ALL_AT_ONCE

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Close what the watermark has passed."""
        raise NotImplementedError

    def _take(self, group: Group, window: Window, entry: Entry) -> Collection[Detection]:
        raise NotImplementedError

    def _usable(self, value: str | float | None) -> Scalar | None:
        if not self._numbers:
            return None if value is None else str(value)
        if isinstance(value, str) or value is None or not math.isfinite(value) or abs(value) > _LARGEST:
            return None
        if value < 0 and not self._signed:
            return None
        return round(value * MILLIONTHS)

    def _drop_oldest(self, window: Window) -> None:
        if window.prune(self.watermark_ms - self._span, at_least=1):
            return
        few = max(1, len(window.entries) // 100)  # not the whole list moved for every event
        window.drop(few)
        self.entries_dropped += few

    def _report(self, group: Group, entries: Collection[Entry], seen: float) -> Collection[Detection]:
        """Detections of entries that were not counted before; an event of two parts counts once."""
        if not entries:
            return ()
        events = [(entry[0], entry[1], entry[3]) for entry in entries]
        if self._in_parts:
            events = sorted({each[:2]: each for each in reversed(events)}.values())
        facts: dict[str, float | int | str] = {
            "threshold": _whole(self._threshold),
            "seen": _whole(seen),
            "timespan": self._timespan,
        }
        return detections(self.rule, group, events, facts)

    def _complete(self, group: Group, window: Window, time_ms: int, high: int) -> None:
        """Note the events at a time as ends of a satisfied window, for the rules that are chained."""
        if self.completions is None:
            return
        at = high - 1
        while at >= 0 and window.entries[at][0] == time_ms:
            _, event_id, _, agency, _ = window.entries[at]
            if (time_ms, event_id) not in window.ended:
                window.ended.add((time_ms, event_id))
                self.completions.append(Completion(group, time_ms, event_id, agency))
            at -= 1

    def _encoded(self, state: Window) -> bytes:
        return state.encoded()

    def _decoded(self, encoded: bytes) -> Window:
        return Window.decoded(encoded, self._measure)


class Immediate(Windows):
    """Conditions that more events can only make true."""

    def _take(self, group: Group, window: Window, entry: Entry) -> Collection[Detection]:
        entries = window.entries
        time_ms = entry[0]
        if not entries or time_ms > entries[-1][0]:  # in order, as nearly all are
            entries.append(entry)
            window.measure.add(entry)
            if entries[window.low][0] <= time_ms - self._span:
                window.slide(time_ms - self._span)
            seen = window.measure.seen(entries, window.low, len(entries))
            if not self._holds(seen):
                return ()
            self._complete(group, window, time_ms, len(entries))
            return self._report(group, window.cover(time_ms - self._span, time_ms), seen)
        at = window.place(entry)
        return UNCHANGED if at is None else self._put(group, window, entry, at)

    def _put(self, group: Group, window: Window, entry: Entry, at: int) -> Collection[Detection]:
        """Take in an entry that is not the newest, and try the windows that it lies in again."""
        entries = window.entries
        time_ms = entry[0]
        entries.insert(at, entry)
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
        best: float = self._threshold
        if self._holds(window.measure.could_reach(entries[first : window.low])):
            measure, low, high = self._measure(), first, first
            begin = at
            while begin and entries[begin - 1][0] == time_ms:
                begin -= 1
            for end_ms, after in window.ends(begin, time_ms + self._span):
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
        for group in self._timers.pop(watermark_ms):
            window = self._states[group]
            if window.last_ms + self._span < watermark_ms:
                self._drop(group)
            else:
                self._timers.set(group, window.last_ms + self._span)
        return ()

    def _restored(self, group: Group, state: Window) -> None:
        newest = state.entries[-1][0]
        state.measure_from(state.first_after(newest - self._span), len(state.entries))
        self._timers.set(group, state.last_ms + self._span)


class Deferred(Windows):
    """Conditions that more events can also make false: decided when the window is complete."""

    _first_undecided = 0

    def _take(self, group: Group, window: Window, entry: Entry) -> Collection[Detection]:
        at = window.place(entry)
        if at is None:
            return UNCHANGED
        window.entries.insert(at, entry)
        due = self._timers.get(group)
        if due is None or entry[0] < due:
            self._timers.set(group, entry[0])
        return ()

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Decide the windows that end before the watermark, and forget the groups whose are all over."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        found: list[Detection] = []
        for group in self._timers.pop(watermark_ms):
            window = self._states[group]
            found += self._decide(group, window, watermark_ms)
            self._schedule(group, window)
        return found

    def _decide(self, group: Group, window: Window, watermark_ms: int) -> Collection[Detection]:
        if window.undecided == len(window.entries):
            if window.last_ms + self._span < watermark_ms:
                self._drop(group)
            return ()
        self._touch(group)
        entries = window.entries
        new: list[Entry] = []
        best: float = self._threshold
        for end_ms, after in window.ends(window.undecided, watermark_ms):
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
        before = len(entries)
        window.prune(watermark_ms - self._span)
        self._total += len(entries) - before
        return found

    def _schedule(self, group: Group, window: Window) -> None:
        if group not in self._states:
            return
        if window.undecided < len(window.entries):
            self._timers.set(group, window.entries[window.undecided][0])
        else:
            self._timers.set(group, window.last_ms + self._span)

    def _restored(self, group: Group, state: Window) -> None:
        if state.undecided:
            decided = state.entries[state.undecided - 1][0]
            state.measure_from(state.first_after(decided - self._span), state.undecided)
        self._schedule(group, state)


def windows(rule: Correlation, limits: Limits) -> Windows:
    """The kind that runs a correlation."""
    condition, _ = _measured(rule)
    at_once = rule.type in ("event_count", "value_count", "value_sum", "temporal", "temporal_ordered")
    return (Immediate if at_once and grows(condition) else Deferred)(rule, limits)


def _measured(rule: Correlation) -> tuple[Condition, Callable[[], Measure]]:
    parts = len(rule.parts)
    every_part = Condition((("gte", float(parts)),))
    match rule.type:
        case "event_count":
            return rule.condition, Count
        case "value_count":
            return rule.condition, Distinct
        case "value_sum":
            return rule.condition, Sum
        case "value_avg":
            return rule.condition, Average
        case "value_percentile":
            percentile = 50.0 if rule.percentile is None else rule.percentile
            return rule.condition, lambda: Percentile(percentile)
        case "temporal":
            return every_part, Distinct
        case "temporal_ordered":
            return every_part, lambda: InOrder(parts)


def _beside_itself(entries: list[Entry], at: int) -> bool:
    """Whether the entry's event is there as another part too."""
    mine = entries[at][:2]
    return (at > 0 and entries[at - 1][:2] == mine) or (at + 1 < len(entries) and entries[at + 1][:2] == mine)


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 6)
