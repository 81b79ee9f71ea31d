"""Something that does not come: an answer that does not follow, or a group that falls silent.

Both are decided when the watermark has passed the time by which it would have had to come. A detection's
times are that time: when the absence became a fact. Its evidence is the last event before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection

import msgspec

from alerts.engine.groups import BEFORE_ALL, Completion, Grouped, Limits
from alerts.engine.kind import UNCHANGED, Observed
from alerts.model import Detection, Evidence, Group
from alerts.rule import Absence

# A timespan of history is counted in so many parts: counts instead of events, to a quarter of its length.
_QUARTERS = 4


class Waiting(msgspec.Struct, array_like=True, gc=False):
    """Events of part 0 that nothing has followed yet (time, id, agency), and times of part 1; both sorted."""

    asked: list[tuple[int, str, str]]
    answered: list[int]
    last_ms: int = BEFORE_ALL

    def __len__(self) -> int:
        return len(self.asked) + len(self.answered)


class Unanswered(Grouped[Waiting]):
    """Part 0 is not followed by part 1 in the same group within the timespan, its last millisecond included.

    An event of part 1 at the same millisecond follows, whatever the ids: clocks are no finer.
    """

    def __init__(self, rule: Absence, limits: Limits) -> None:
        super().__init__(rule.info, limits)
        self._span = rule.timespan * 1000
        self._facts = {"timespan": rule.timespan}

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Note an event of either part; nothing is found before the watermark moves."""
        group, time_ms, event_id, agency, part, _ = observation
        if self._total >= self.limits.total:
            self._make_room()
        state = self._states.get(group)
        if state is None:
            if len(self._states) >= self.limits.groups:
                self._make_room()
            state = self._states[group] = Waiting([], [])
        asked, answered = state.asked, state.answered
        before = len(asked) + len(answered)
        changed = self._ask(state, (time_ms, event_id, agency)) if part == 0 else self._answer(state, time_ms)
        if not changed:
            return UNCHANGED
        if len(asked) + len(answered) > self.limits.entries:
            del (asked or answered)[0]
            self.entries_dropped += 1
        self._total += len(asked) + len(answered) - before
        state.last_ms = max(state.last_ms, time_ms)
        self._touch(group)
        # A group is due when its first question runs out, or its answers are too old for any question.
        self._timers.set(group, asked[0][0] + self._span if asked else state.last_ms)
        return ()

    def _ask(self, state: Waiting, event: tuple[int, str, str]) -> bool:
        asked, answered = state.asked, state.answered
        if answered and answered[-1] >= event[0]:
            at = bisect_left(answered, event[0])
            if answered[at] <= event[0] + self._span:
                return False
        if not asked or event > asked[-1]:
            asked.append(event)
            return True
        at = bisect_left(asked, event)
        if asked[at] == event:
            return False
        asked.insert(at, event)
        return True

    def _answer(self, state: Waiting, time_ms: int) -> bool:
        asked, answered = state.asked, state.answered
        if asked:
            first = bisect_left(asked, time_ms - self._span, key=_time)
            last = bisect_left(asked, time_ms + 1, key=_time)
            del asked[first:last]
        if not answered or time_ms > answered[-1]:
            answered.append(time_ms)
            return True
        at = bisect_left(answered, time_ms)
        if answered[at] == time_ms:
            return False
        answered.insert(at, time_ms)
        return True

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Report the questions whose time has run out."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        found: list[Detection] = []
        for group in self._timers.pop(watermark_ms):
            state = self._states[group]
            before = len(state)
            late = bisect_left(state.asked, watermark_ms - self._span, key=_time)
            for time_ms, event_id, agency in state.asked[:late]:
                due = time_ms + self._span
                evidence = (Evidence(time_ms, event_id),)
                found.append(Detection(self.rule, agency, group, due, due, 1, evidence, self._facts))
                if self.completions is not None:
                    self.completions.append(Completion(group, due, event_id, agency))
            del state.asked[:late]
            del state.answered[: bisect_left(state.answered, watermark_ms)]
            self._total += len(state) - before
            self._touch(group)
            if not len(state):
                self._drop(group)
            else:
                due = state.asked[0][0] + self._span if state.asked else state.answered[-1]
                self._timers.set(group, due)
        return found

    def _encoded(self, state: Waiting) -> bytes:
        return msgspec.msgpack.encode(state)

    def _decoded(self, encoded: bytes) -> Waiting:
        return msgspec.msgpack.decode(encoded, type=Waiting)

    def _restored(self, group: Group, state: Waiting) -> None:
        self._timers.set(group, state.asked[0][0] + self._span if state.asked else state.last_ms)


class Quarter(msgspec.Struct, array_like=True, gc=False):
    """The events of a quarter of a timespan: how many, when the first, and the last one."""

    count: int
    first_ms: int
    last: tuple[int, str, str]  # time, id, agency


class Rhythm(msgspec.Struct, array_like=True, gc=False):
    """Quarters by number (time divided by their length), and the last event whose silence was decided."""

    quarters: dict[int, Quarter]
    decided_ms: int = BEFORE_ALL
    last_ms: int = BEFORE_ALL

    def __len__(self) -> int:
        return len(self.quarters)


class Silence(Grouped[Rhythm]):
    """Nothing for a timespan after an event, in a group that spoke in each of the `history` before.

    The timespans before are cut at quarters: each is four quarters of a timespan, the last one up to the end
    of the quarter in which the last event lies. Each must hold `usual` events.
    """

    def __init__(self, rule: Absence, limits: Limits) -> None:
        super().__init__(rule.info, limits)
        self._span = rule.timespan * 1000
        self._quarter = max(self._span // _QUARTERS, 1)
        self._usual = rule.usual
        self._history = rule.history
        self._facts = {"timespan": rule.timespan, "usual": rule.usual, "history": rule.history}

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Count an event. One that comes twice counts twice: events are not remembered one by one."""
        group, time_ms, event_id, agency, _, _ = observation
        state = self._states.get(group)
        if state is None:
            if len(self._states) >= self.limits.groups or self._total >= self.limits.total:
                self._make_room()
            state = self._states[group] = Rhythm({})
        number = time_ms // self._quarter
        quarter = state.quarters.get(number)
        if quarter is None:
            state.quarters[number] = Quarter(1, time_ms, (time_ms, event_id, agency))
            self._total += 1
        else:
            quarter.count += 1
            if time_ms >= quarter.last[0]:
                quarter.last = max(quarter.last, (time_ms, event_id, agency))
            elif time_ms < quarter.first_ms:
                quarter.first_ms = time_ms
        state.last_ms = max(state.last_ms, time_ms)
        due = self._timers.get(group)
        if due is None or due > time_ms + self._span:
            self._timers.set(group, time_ms + self._span)
        self._touch(group)
        return ()

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """Report the groups that fell silent, and forget the history that is no longer needed."""
        if watermark_ms <= self.watermark_ms:
            return ()
        self.watermark_ms = watermark_ms
        found: list[Detection] = []
        for group in self._timers.pop(watermark_ms):
            state = self._states[group]
            self._decide(group, state, watermark_ms, found)
            before = len(state)
            oldest = self._oldest_needed(watermark_ms)
            for number in [each for each in state.quarters if each < oldest]:
                del state.quarters[number]
            self._total += len(state) - before
            self._touch(group)
            if not state.quarters:
                self._drop(group)
            else:
                self._schedule(group, state)
        return found

    def _decide(self, group: Group, state: Rhythm, watermark_ms: int, found: list[Detection]) -> None:
        numbers = sorted(state.quarters)
        for at, number in enumerate(numbers):
            time_ms, event_id, agency = state.quarters[number].last
            due = time_ms + self._span
            if due >= watermark_ms:
                break
            if time_ms <= state.decided_ms:
                continue
            state.decided_ms = time_ms
            if at + 1 < len(numbers) and state.quarters[numbers[at + 1]].first_ms <= due:
                continue
            if self._spoke(state, number):
                evidence = (Evidence(time_ms, event_id),)
                found.append(Detection(self.rule, agency, group, due, due, 1, evidence, self._facts))
                if self.completions is not None:
                    self.completions.append(Completion(group, due, event_id, agency))

    def _spoke(self, state: Rhythm, number: int) -> bool:
        none = Quarter(0, 0, (0, "", ""))
        for past in range(self._history):
            newest = number - past * _QUARTERS
            counts = (state.quarters.get(newest - each, none).count for each in range(_QUARTERS))
            if sum(counts) < self._usual:
                return False
        return True

    def _oldest_needed(self, watermark_ms: int) -> int:
        """The first quarter of the history of the first event whose silence is not decided."""
        return (watermark_ms - self._span) // self._quarter - self._history * _QUARTERS

    def _schedule(self, group: Group, state: Rhythm) -> None:
        waiting = [
            quarter.last[0] for quarter in state.quarters.values() if quarter.last[0] > state.decided_ms
        ]
        if waiting:
            self._timers.set(group, min(waiting) + self._span)
        else:  # forgotten when even its newest quarter is no one's history
            needed = (max(state.quarters) + self._history * _QUARTERS + 1) * self._quarter + self._span
            self._timers.set(group, needed)

    def _encoded(self, state: Rhythm) -> bytes:
        return msgspec.msgpack.encode(state)

    def _decoded(self, encoded: bytes) -> Rhythm:
        return msgspec.msgpack.decode(encoded, type=Rhythm)

    def _restored(self, group: Group, state: Rhythm) -> None:
        self._schedule(group, state)


def absence(rule: Absence, limits: Limits) -> Unanswered | Silence:
    """The kind that runs an absence: of an answer with two parts, of everything with one."""
    return Unanswered(rule, limits) if len(rule.parts) == 2 else Silence(rule, limits)


def _time(event: tuple[int, str, str]) -> int:
    return event[0]
