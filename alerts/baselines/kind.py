"""Baselines as the engine runs them: one rule's groups in one partition.

An hour of a group is open from its first event until the watermark has passed its end. Then it is judged
(`below`, `silence`, `drift`), becomes part of the group's history, and of its parent's. The bound for `above`
is worked out with the hour's first event, from weeks before; an observation then costs a look-up and an
addition. So detections depend on the events alone, as long as no event is further ahead of the watermark
than a day.

What detections tell (adding them up, the order of events does not matter):
- `above`: `count` is the number of events of hours whose total passed the bound, `first_ms` the first.
  The first detection comes with the event that passes the bound, more of them at least REFRESH_MS apart, and
  a last one when the hour ends: it reaches to the hour's end, and its `seen` is final.
- `below`, `silence`, `drift`: one detection for each hour of the departure, from the hour's beginning to its
  end, `count` 1. A silence lasts until something comes, through hours that are usually empty.
Alerts of a rule therefore last from hour to hour when its `quiet` is two hours or more.

An hour above its bound is learned as the bound, one below as the lower bound (winsorised); silent and
drifting hours are learned as they are. A median over eight weeks is not moved by three of them, and takes
what lasts longer than a month for usual: no alert lasts for ever.

`above` is armed after `seasons` weeks of the group's own, or after its first full week (from a Monday) when
its parent has that many: its level is then known, and the parent's profile says when it is busy. The others
are armed by the group's own weeks alone.

When everybody does less (a holiday that no calendar knows, a fault of the platform), nobody is missing:
expectations for `below` and `silence` are multiplied by the median over groups of seen by expected, where it
is below 1; that for `drift`, where it is above 1. It needs SIBLINGS groups with enough to count.

After a restart, hours that are closed again for some groups take the others' part in that median from their
histories.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

from alerts.baselines.counts import tail, upper_bound
from alerts.baselines.distinct import Distinct
from alerts.baselines.ending import Ended, Verdict, judge_of
from alerts.baselines.member import Member
from alerts.baselines.memory import Memory
from alerts.baselines.opened import OpenHour
from alerts.baselines.season import HISTORY_WEEKS, HOUR_MS, Season, words
from alerts.baselines.silence import Silence
from alerts.baselines.spread import assumed_squares
from alerts.baselines.usual import usual_at_most
from alerts.engine.gather import LARGEST_TOTAL, LARGEST_VALUE, Portion
from alerts.engine.kind import UNCHANGED, Observed
from alerts.engine.reading import digest
from alerts.model import Detection, Evidence, Group
from alerts.rule import Baseline

MAX_GROUPS: Final = 20_000
"""Groups of one rule in one partition, and as many parents."""
REFRESH_MS: Final = 600_000
"""Event time between two detections of one hour: keeps an alert open, and its count moving."""

Facts = dict[str, float | int | str]


@dataclass(slots=True)
class Counters:
    """What was left out or is not exact: observations of hours that were over, values that are no amount, and
    hours whose number of distinct values was estimated."""

    late: int = 0
    unusable: int = 0
    estimated: int = 0


class BaselineKind:
    """A baseline rule's state in one partition (alerts.engine.kind.Kind).

    `special` holds local dates that are compared with no other (`season.special_days`). At most `max_groups`
    groups are kept; beyond, those least recently active are forgotten, and counted.
    """

    def __init__(
        self,
        rule: Baseline,
        zone: ZoneInfo,
        special: Container[date] = (),
        *,
        max_groups: int = MAX_GROUPS,
    ) -> None:
        self.rule = rule.info.id
        self.counters = Counters()
        self._baseline = rule
        self._counts = rule.measure == "count"
        self._sums = rule.measure == "sum"
        self._memory = Memory(rule, zone, special, max_groups)
        self._open = self._memory.open
        self._touched = self._memory.touched
        self._calendar = self._memory.calendar
        self._at_once = rule.direction == "above"
        self._judge = None if self._at_once else judge_of(rule, self._calendar)
        self._probability = tail(rule.sensitivity)
        self._seasons = min(max(rule.seasons, 1), HISTORY_WEEKS)

    # The engine's side

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Take one observation in; return what it completes."""
        group, time_ms, event_id, agency, _, value = observation
        hour = time_ms // HOUR_MS
        amount = 1 if self._counts else self._amount(value)
        if amount is None:
            return UNCHANGED
        try:
            opened = self._open[hour][group]
        except KeyError:
            begun = self._begin(hour, group, agency)
            if begun is None:
                return UNCHANGED
            opened = begun
        if self._counts:
            opened.total += 1
        elif self._sums:
            opened.total = min(opened.total + amount, LARGEST_TOTAL)
            opened.squares += amount * amount
        else:
            self._see(opened, value)
        opened.note(time_ms, event_id)
        if group not in self._touched:
            self._memory.touch(group)
        if opened.total > opened.bound:
            return self._passed(hour, group, opened, time_ms)
        return ()

    def add(self, portion: Portion) -> Collection[Detection]:
        """Take in what a group had in an hour since the last time, as if observed one by one."""
        group, hour = portion.group, portion.hour
        count = portion.count if self._counts else portion.usable
        if not count:
            return UNCHANGED
        opened = self._open.get(hour, {}).get(group) or self._begin(hour, group, portion.agency)
        if opened is None:
            return UNCHANGED
        if self._counts:
            opened.total += count
        elif self._sums:
            opened.total = min(opened.total + portion.total, LARGEST_TOTAL)
            opened.squares += int(portion.squares)
        else:
            self._see_many(opened, portion.values)
        opened.note_many(count, portion.first_ms, portion.last_ms, portion.evidence)
        self._memory.touch(group)
        if opened.total > opened.bound:
            return self._passed(hour, group, opened, portion.last_ms)
        return ()

    def observe_total(
        self, group: Group, hour: int, total: int, *, agency: str = "", event_id: str = "", events: int = 0
    ) -> Collection[Detection]:
        """Take a whole hour's total in as if it had been observed: for replays that have no single events.

        `hour` counts hours since 1970 (UTC). `events` is how many there were, `total` itself for counts; a
        total of distinct values can be given once for an hour. The next `advance` judges it.
        """
        if total <= 0:
            return ()
        opened = self._open.get(hour, {}).get(group) or self._begin(hour, group, agency)
        if opened is None:
            return ()
        number = total if self._counts else max(events, 1)
        opened.total = min(opened.total + total, LARGEST_TOTAL)
        opened.squares += assumed_squares(total, number)
        opened.note(hour * HOUR_MS, event_id)
        opened.pending += number - 1
        self._memory.touch(group)
        if opened.total > opened.bound:
            return self._passed(hour, group, opened, hour * HOUR_MS)
        return ()

    def prime(self, group: Group, hour: int, total: int, *, agency: str = "", events: int = 0) -> None:
        """Learn a past hour's total without judging it: each hour of a group once, before any observation.

        Observations of the latest hour that was primed, and of those before it, are late from then on.
        """
        memory = self._memory
        member = memory.members.get(group) or memory.new(group, hour, agency)
        member.last = max(member.last, hour)
        memory.learn(group, member, hour, total, assumed_squares(total, events or total))
        for one in (member, memory.parent_of(member)):
            if one is not None:
                one.forget_traits()
        memory.closed = max(memory.closed, hour)

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """No observation older than this will come: judge and learn the hours that are over."""
        memory = self._memory
        ended = watermark_ms // HOUR_MS - 1
        if ended <= memory.closed:
            return ()
        found: list[Detection] = []
        for hour in memory.hours_to_close(ended, all_hours=not self._at_once):
            found += self._close(hour)
        memory.closed = ended
        memory.sweep(ended)
        return found

    def touched(self) -> Collection[Group]:
        """The groups whose state has changed since `encode` was last called for them, parents included."""
        return self._touched.keys()

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state; None when it is forgotten."""
        return self._memory.encode(group)

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """Put back what `encode` gave. Raises MonitorError for a state that cannot be read."""
        for hour, member, opened in self._memory.restore(states):
            self._bound(opened, member, self._calendar.season(hour))

    def __len__(self) -> int:
        """How many groups are remembered, parents not counted."""
        return len(self._memory.members)

    @property
    def groups_evicted(self) -> int:
        """How many groups were forgotten for want of room."""
        return self._memory.evicted

    # One hour of a group

    def _begin(self, hour: int, group: Group, agency: str) -> OpenHour | None:
        memory = self._memory
        member = memory.members.get(group)
        if hour <= memory.closed or (member is not None and hour <= member.closed):
            self.counters.late += 1
            return None
        if member is None:
            member = memory.new(group, hour, agency)
        member.last = max(member.last, hour)
        season = self._calendar.season(hour)
        member.history.first = min(member.history.first, (season.week, season.slot))
        opened = OpenHour()
        self._bound(opened, member, season)
        self._open.setdefault(hour, {})[group] = opened
        return opened

    def _amount(self, value: str | float | None) -> int | None:
        """What a value adds: whole units for a sum; None when it is no amount."""
        if not self._sums:
            if value is not None:
                return 1
        elif isinstance(value, int | float) and isfinite(value) and value >= 0:
            return int(min(value, LARGEST_VALUE) + 0.5)
        self.counters.unusable += 1
        return None

    def _see(self, opened: OpenHour, value: str | float | None) -> None:
        self._see_many(opened, () if value is None else (digest(str(value)),))

    def _see_many(self, opened: OpenHour, digests: Iterable[int]) -> None:
        distinct = opened.distinct
        if distinct is None:
            distinct = opened.distinct = Distinct()
        was_exact = distinct.exact
        for each in digests:
            distinct.add_digest(each)
        self.counters.estimated += was_exact and not distinct.exact
        opened.total = distinct.count

    def _bound(self, opened: OpenHour, member: Member, season: Season) -> None:
        """Work out what the hour may hold; nothing is too much for a group that is not armed."""
        if not self._at_once:
            return
        parent = self._memory.parent_of(member)
        if parent is not None and not self._armed(parent, season, sums=False):
            parent = None
        if not self._armed(member, season, self._sums):
            part = member.part_of(parent, self._calendar, season.week) if parent else None
            if not part:
                return
        usual = usual_at_most(member, parent, self._calendar, season, self._sums)
        if usual is None:
            return
        bound = upper_bound(usual.mean, usual.variance, usual.unit, self._probability)
        opened.usual = usual
        opened.bound = max(bound, usual.mean + self._baseline.floor)

    def _armed(self, member: Member, season: Season, sums: bool) -> bool:
        """Whether enough weeks are known, with something in as many of them."""
        return (
            member.history.weeks_known(season.week, season.slot) >= self._seasons
            and member.traits(self._calendar, season.week, sums).weeks >= self._seasons
        )

    # Detections

    def _passed(self, hour: int, group: Group, opened: OpenHour, time_ms: int) -> Collection[Detection]:
        if opened.told_ms >= 0 and time_ms < opened.told_ms + REFRESH_MS:
            return ()
        return (self._excess(hour, group, opened, opened.last_ms),)

    def _excess(self, hour: int, group: Group, opened: OpenHour, until_ms: int) -> Detection:
        usual = opened.usual
        facts: Facts = {
            "expected": round(usual.mean, 1) if usual else 0,
            "upper_bound": round(opened.bound, 1),
            "seen": opened.total,
        }
        if opened.distinct is not None and not opened.distinct.exact:
            facts["estimated"] = 1
        first_ms = opened.first_ms if opened.pending else until_ms
        evidence = tuple(opened.evidence)
        detection = self._detection(hour, group, first_ms, until_ms, opened.pending, evidence, facts)
        opened.told(until_ms)
        return detection

    def _detection(
        self,
        hour: int,
        group: Group,
        first_ms: int,
        last_ms: int,
        count: int,
        evidence: tuple[Evidence, ...],
        facts: Facts,
    ) -> Detection:
        season = self._calendar.season(hour)
        member = self._memory.members.get(group)
        known = member.history.weeks_known(season.week, season.slot) if member else 0
        measure, field = self._baseline.measure, self._baseline.value_field
        facts["history_weeks"] = min(int(known), HISTORY_WEEKS)
        facts["measure"] = f"{measure} of {field}" if field else measure
        facts["slot"] = words(season.slot)
        agency = member.agency if member else ""
        return Detection(self.rule, agency, group, first_ms, last_ms, count, evidence, facts)

    # The end of an hour

    def _close(self, hour: int) -> list[Detection]:
        memory = self._memory
        season = self._calendar.season(hour)
        open_now = self._open.pop(hour, {})
        found: list[Detection] = []
        learned: dict[Group, int] = {}
        if self._at_once:
            for group, opened in open_now.items():
                if opened.told_ms >= 0:
                    found.append(self._excess(hour, group, opened, (hour + 1) * HOUR_MS))
                    learned[group] = int(opened.bound)
        elif not season.special:
            found = self._judged(hour, season, open_now, learned)
        else:
            for group in open_now:  # nothing is judged, but what was silent has spoken
                if (member := memory.members.get(group)) is not None:
                    member.silence = Silence()
        for group, opened in open_now.items():
            memory.touch(group)
            if group not in learned:
                self._learn(group, hour, opened.total, opened.squares)
        for group, total in learned.items():
            self._learn(group, hour, total, 0)
        return found

    def _learn(self, group: Group, hour: int, total: int, squares: int) -> None:
        member = self._memory.members.get(group)
        if member is not None and total:
            self._memory.learn(group, member, hour, total, squares)

    def _judged(
        self, hour: int, season: Season, open_now: Mapping[Group, OpenHour], learned: dict[Group, int]
    ) -> list[Detection]:
        """Judge all groups that have something to be judged by, and note what is learned instead."""
        groups: list[Group] = []
        ended: list[Ended] = []
        for group, member in self._memory.members:
            opened = open_now.get(group)
            remembers = member.silence.hours or not member.drift.idle
            if opened is None and season.slot not in member.history.slots and not remembers:
                continue
            if not self._armed(member, season, self._sums):
                continue
            seen = None if opened is None else opened.total
            if member.closed >= hour:
                seen = member.history.at(season.week, season.slot) or None
            groups.append(group)
            ended.append(Ended(member, seen, member.closed >= hour))
        if self._judge is None or all(one.over for one in ended):
            return []
        before = [(one.member.silence, one.member.drift) for one in ended]
        verdicts = list(self._judge(hour, season, ended))
        found = []
        for group, one, was, verdict in zip(groups, ended, before, verdicts, strict=True):
            if was != (one.member.silence, one.member.drift):
                self._memory.touch(group)
            if verdict is not None:
                learned[group] = verdict.learned
                found.append(self._departure(hour, group, open_now.get(group), verdict))
        return found

    def _departure(self, hour: int, group: Group, opened: OpenHour | None, verdict: Verdict) -> Detection:
        first_ms, last_ms = verdict.since * HOUR_MS, (hour + 1) * HOUR_MS
        evidence = tuple(opened.evidence) if opened else ()
        return self._detection(hour, group, first_ms, last_ms, 1, evidence, verdict.facts)
