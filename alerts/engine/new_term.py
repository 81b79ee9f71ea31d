"""A value that a group has not had before, or not for a timespan.

An alert must not wait for the watermark, so the first to *arrive* with a new value is what is reported. When
an earlier one comes late, nothing is reported again: a detection's identity is (rule, group, value), and
which event shows it depends on the order of arrival within the lateness. So does what falls within the
lateness of the end of `learning`, or of a value's being forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection

import msgspec

from alerts.engine.groups import Completion, Grouped, Limits
from alerts.engine.kind import UNCHANGED, Observed
from alerts.model import Detection, Evidence, Group
from alerts.rule import NewTerm

# When a value was last seen is kept to this share of the timespan: a value that is seen all the time then
# changes the state, the journal and the database a hundred times a timespan, and not with every event.
_STEPS = 100
_DROPPED_AT_ONCE = 20  # values beyond the bound go together, as a share of it


class Terms(msgspec.Struct, array_like=True, gc=False):
    """When a group was first seen, and each of its values last, in milliseconds."""

    since_ms: int
    values: dict[str, int]
    last_ms: int

    def __len__(self) -> int:
        return len(self.values)


class NewTerms(Grouped[Terms]):
    """Values by group, each for `timespan` after it was last seen. A group that says nothing for a timespan
    is forgotten, and learns anew."""

    def __init__(self, rule: NewTerm, limits: Limits) -> None:
        super().__init__(rule.info, limits)
        self._span = rule.timespan * 1000
        self._step = max(self._span // _STEPS, 1)
        self._learning = rule.learning * 1000
        self._name = rule.value_field
        self._timespan = rule.timespan
        self.unusable = 0  # observations without a value

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Remember a value; return a detection when it is new."""
        group, time_ms, event_id, agency, _, given = observation
        if given is None:
            self.unusable += 1
            return UNCHANGED
        value = str(given)
        if self._total >= self.limits.total:
            self._make_room()
        state = self._states.get(group)
        if state is not None and time_ms > state.last_ms + self._span:
            self._drop(group)
            state = None
        if state is None:
            if len(self._states) >= self.limits.groups:
                self._make_room()
            state = self._states[group] = Terms(time_ms, {}, time_ms)
            self._timers.set(group, time_ms + self._span)
        last = state.values.get(value)
        if last is not None and state.since_ms <= time_ms < last + self._step:
            return UNCHANGED
        self._touch(group)
        state.since_ms = min(state.since_ms, time_ms)
        state.last_ms = max(state.last_ms, time_ms)
        if last is not None:
            state.values[value] = max(last, time_ms)
            if time_ms - last <= self._span:
                return ()
        else:
            if len(state.values) >= self.limits.entries:
                self._drop_oldest(state)
            state.values[value] = time_ms
            self._total += 1
        if time_ms < state.since_ms + self._learning:
            return ()
        return self._new(group, time_ms, event_id, agency, value)

    def _new(
        self, group: Group, time_ms: int, event_id: str, agency: str, value: str
    ) -> Collection[Detection]:
        if self.completions is not None:
            self.completions.append(Completion(group, time_ms, event_id, agency))
        named = tuple(sorted({**dict(group), self._name: value}.items()))
        facts: dict[str, float | int | str] = {"value": value, "timespan": self._timespan}
        return (
            Detection(self.rule, agency, named, time_ms, time_ms, 1, (Evidence(time_ms, event_id),), facts),
        )

    def _drop_oldest(self, state: Terms) -> None:
        few = max(1, len(state.values) // _DROPPED_AT_ONCE)
        for value, _ in heapq.nsmallest(few, state.values.items(), key=lambda each: (each[1], each[0])):
            del state.values[value]
        self._total -= few
        self.entries_dropped += few

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Forget values that were not seen for the timespan, a group at a time, when its turn comes."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        for group in self._timers.pop(watermark_ms):
            state = self._states[group]
            over = [value for value, last in state.values.items() if last + self._span < watermark_ms]
            for value in over:
                del state.values[value]
            self._total -= len(over)
            self._touch(group)
            if not state.values:
                self._drop(group)
            else:
                self._timers.set(group, watermark_ms + self._span)
        return ()

    def _encoded(self, state: Terms) -> bytes:
        return msgspec.msgpack.encode(state)

    def _decoded(self, encoded: bytes) -> Terms:
        return msgspec.msgpack.decode(encoded, type=Terms)

    def _restored(self, group: Group, state: Terms) -> None:
        self._timers.set(group, min(state.values.values(), default=state.last_ms) + self._span)
