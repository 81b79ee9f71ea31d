"""What correlations over sliding windows of event time share.

An event at t ends a window (t - timespan, t]. Every event that lies in at least one window whose condition
holds is counted, once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from alerts.engine.groups import BEFORE_ALL, Completion, Grouped, Limits, detections
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
from alerts.engine.window import Window
from alerts.model import Detection, Evidence, Group
from alerts.rule import Condition, Correlation

_NUMBERS = ("value_sum", "value_avg", "value_percentile")
# So much in an event is an error of whoever wrote it; sums of what is less are exact wherever they go.
_LARGEST = 2**53
_DROPPED_AT_ONCE = 100  # entries beyond the bound go together, as a share of it


class Windows(Grouped[Window]):
    """The windows of one correlation: what is measured in them, and what is said when a condition holds.

    `unusable` counts observations without the value that is measured.
    """

    first_undecided: int  # of a new window

    def __init__(self, rule: Correlation, limits: Limits) -> None:
        condition, self._measure = measured(rule)
        # A threshold above the bound could never be reached.
        least = max((limit for _, limit in condition.comparisons), default=0)
        if rule.type in ("event_count", "value_count") and 2 * least > limits.entries:
            limits = limits._replace(entries=int(min(2 * least, limits.total)))
        super().__init__(rule.info, limits)
        self.unusable = 0
        self._holds = test_of(condition)
        self._span = rule.timespan * 1000
        self._floor = BEFORE_ALL  # no window that can change holds an entry up to this time
        self._most, self._most_of_all = limits.entries, limits.total
        self._threshold = condition.comparisons[0][1] if condition.comparisons else 0
        self._facts: dict[str, float | int | str] = {
            "threshold": _whole(self._threshold),
            "seen": _whole(self._threshold),
            "timespan": rule.timespan,
        }
        self._in_parts = rule.type in ("temporal", "temporal_ordered")
        self._numbers = rule.type in _NUMBERS
        self._signed = not (rule.type == "value_sum" and grows(condition))
        self._of_value = rule.type not in ("event_count", "temporal", "temporal_ordered")

    def _usable(self, value: str | float | None) -> Scalar | None:
        """A value as it is measured; None, counted, where it cannot be."""
        if not self._numbers:
            if value is not None:
                return value if type(value) is str else str(value)
        elif (
            value is not None
            and not isinstance(value, str)
            and math.isfinite(value)
            and abs(value) <= _LARGEST
            and (self._signed or value >= 0)
        ):
            return value * MILLIONTHS if type(value) is int else round(value * MILLIONTHS)
        self.unusable += 1
        return None

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state; None when there is none."""
        window = self._states.get(group)
        if window is not None:
            window.clean = True
        return super().encode(group)

    def _open(self, group: Group) -> Window:
        """A window for a new group."""
        if len(self._states) >= self.limits.groups:
            self._make_room()
        window = self._states[group] = Window(self._measure(), self.first_undecided)
        return window

    def _trim(self, window: Window) -> None:
        """Forget entries that no window needs, or, where there are too many, the oldest."""
        before = len(window.entries)
        full = before >= self._most
        if not window.prune(self._floor, at_least=1 if full else None) and full:
            few = max(1, before // _DROPPED_AT_ONCE)
            window.drop(few)
            self.entries_dropped += few
        self._total += len(window.entries) - before

    def _report(self, group: Group, entries: Collection[Entry], seen: float) -> Collection[Detection]:
        """Detections of entries that were not counted before, in order; an event of two parts counts once."""
        if not entries:
            return ()
        facts = {**self._facts, "seen": _whole(seen)}
        if len(entries) == 1:
            ((time_ms, event_id, _, agency, _),) = entries
            evidence = (Evidence(time_ms, event_id),)
            return (Detection(self.rule, agency, group, time_ms, time_ms, 1, evidence, facts),)
        events = [(entry[0], entry[1], entry[3]) for entry in entries]
        if self._in_parts:
            events = sorted({each[:2]: each for each in reversed(events)}.values())
        return detections(self.rule, group, events, facts)

    def _complete(self, group: Group, window: Window, time_ms: int, high: int) -> None:
        """Note the events at a time as ends of a satisfied window, for the rules that are chained."""
        if self.completions is None:
            return
        at = high - 1
        while at >= 0 and window.entries[at][0] == time_ms:
            _, event_id, _, agency, _ = window.entries[at]
            if window.end(time_ms, event_id):
                self.completions.append(Completion(group, time_ms, event_id, agency))
            at -= 1

    def _encoded(self, state: Window) -> bytes:
        return state.encoded()

    def _decoded(self, encoded: bytes) -> Window:
        return Window.decoded(encoded, self._measure)


_COUNT = Count()  # keeps nothing, so one is enough


def measured(rule: Correlation) -> tuple[Condition, Callable[[], Measure]]:
    """The condition of a correlation, and what makes a measure for each of its windows."""
    parts = len(rule.parts)
    every_part = Condition((("gte", float(parts)),))
    match rule.type:
        case "event_count":
            return rule.condition, lambda: _COUNT
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


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else round(value, 6)
