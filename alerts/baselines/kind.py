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

States of groups that `touched` names must be written in one transaction: parents and the median above
connect them.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.baselines import state as states
from alerts.baselines.counts import tail, upper_bound
from alerts.baselines.distinct import Distinct
from alerts.baselines.drift import Drift
from alerts.baselines.ending import Ended, Verdict, judge_of
from alerts.baselines.history import History
from alerts.baselines.member import NEVER, Member, Members
from alerts.baselines.opened import OpenHour
from alerts.baselines.season import HISTORY_WEEKS, HOUR_MS, WEEK_HOURS, Calendar, Season, words
from alerts.baselines.silence import Silence
from alerts.baselines.usual import usual_at_most
from alerts.engine.kind import Observation
from alerts.model import Detection, Evidence, Group
from alerts.rule import Baseline
from monitor.errors import MonitorError

MAX_GROUPS: Final = 20_000
"""Groups of one rule in one partition, and as many parents."""
REFRESH_MS: Final = 600_000
"""Event time between two detections of one hour: keeps an alert open, and its count moving."""
LARGEST_TOTAL: Final = 2**62  # a total that is stored fits into 64 bits
LARGEST_VALUE: Final = 2**53
ASSUMED_SQUARES: Final = 2.0
"""Mean square of single values relative to their mean's square, where only their sum is known: that of an
exponential distribution."""
_LONGEST_GAP: Final = (HISTORY_WEEKS + 2) * WEEK_HOURS  # after so many hours, nothing that was usual is left

Facts = dict[str, float | int | str]


@dataclass(slots=True)
class Counters:
    """What was bounded or left out: observations of hours that were over, values that are no amount, hours
    whose number of distinct values was estimated, and groups (parents too) that had to go."""

    late: int = 0
    unusable: int = 0
    estimated: int = 0
    evicted: int = 0


class BaselineKind:
    """A baseline rule's state in one partition (alerts.engine.kind.Kind).

    `special` holds local dates that are compared with no other (`season.special_days`). At most `max_groups`
    groups are kept; beyond, those least recently active are forgotten and counted.
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
        self._calendar = Calendar(zone, special)
        self._at_once = rule.direction == "above"
        self._judge = None if self._at_once else judge_of(rule, self._calendar)
        self._probability = tail(rule.sensitivity)
        self._seasons = min(max(rule.seasons, 1), HISTORY_WEEKS)
        self._parent_fields = frozenset(rule.parent) if set(rule.parent) < set(rule.group_by) else frozenset()
        self._members = Members(max_groups)
        self._parents = Members(max_groups)
        self._open: dict[int, dict[Group, OpenHour]] = {}
        self._touched: dict[Group, None] = {}
        self._closed: int | None = None
        self._swept: int | None = None

    # The engine's side

    def apply(self, observation: Observation) -> Collection[Detection]:
        """Take one observation in; return what it completes."""
        group, time_ms = observation.group, observation.time_ms
        hour = time_ms // HOUR_MS
        amount = 1 if self._counts else self._amount(observation.value)
        if amount is None:
            return ()
        try:
            opened = self._open[hour][group]
        except KeyError:
            begun = self._begin(hour, group, observation.agency)
            if begun is None:
                return ()
            opened = begun
        if self._counts:
            opened.total += 1
        elif self._sums:
            opened.total = min(opened.total + amount, LARGEST_TOTAL)
            opened.squares += amount * amount
        else:
            self._see(opened, observation.value)
        opened.note(time_ms, observation.event_id)
        self._touched[group] = None
        if opened.total > opened.bound:
            return self._passed(hour, group, opened, time_ms)
        return ()

    def observe_total(
        self, group: Group, hour: int, total: int, *, agency: str = "", event_id: str = "", events: int = 0
    ) -> Collection[Detection]:
        """Take a whole hour's total in as if it had been observed: for replays that have no single events.

        `hour` counts hours since 1970 (UTC). `events` is how many there were, `total` itself for counts; a
        total of distinct values can be given once for an hour. The next `advance` judges it.
        """
        opened = self._open.get(hour, {}).get(group) or self._begin(hour, group, agency)
        if opened is None or total <= 0:
            return ()
        number = events or (total if self._counts else 1)
        opened.total = min(opened.total + total, LARGEST_TOTAL)
        opened.squares += _squares(total, number)
        opened.note(hour * HOUR_MS, event_id)
        opened.pending += number - 1
        self._touched[group] = None
        if opened.total > opened.bound:
            return self._passed(hour, group, opened, hour * HOUR_MS)
        return ()

    def prime(self, group: Group, hour: int, total: int, *, agency: str = "", events: int = 0) -> None:
        """Learn a past hour's total without judging it; each hour of a group once, before its first
        observation. Observations of this hour and those before are late from then on."""
        member = self._members.get(group) or self._new(group, hour, agency)
        member.last = max(member.last, hour)
        season = self._calendar.season(hour)
        self._learn(group, member, hour, season, total, _squares(total, events or total))
        member.forget_traits()
        parent = self._parents.get(member.parent) if member.parent else None
        if parent is not None:
            parent.forget_traits()
        self._closed = hour if self._closed is None else max(self._closed, hour)

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """No observation older than this will come: judge and learn the hours that are over."""
        ended = watermark_ms // HOUR_MS - 1
        if self._closed is None:
            self._closed = min([ended, *(hour - 1 for hour in self._open)])
        if ended <= self._closed:
            return ()
        found: list[Detection] = []
        hours = {hour for hour in self._open if hour <= ended}
        if not self._at_once and self._members:
            hours.update(range(max(self._closed + 1, ended + 1 - _LONGEST_GAP), ended + 1))
        for hour in sorted(hours):
            found += self._close(hour)
        self._closed = ended
        self._sweep(self._calendar.season(ended).week)
        return found

    def touched(self) -> Collection[Group]:
        """The groups whose state has changed since `encode` was last called for them, parents included."""
        return tuple(self._touched)

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state; None when it is forgotten."""
        self._touched.pop(group, None)
        member = self._members.get(group) or self._parents.get(group)
        if member is None:
            return None
        hours = [
            states.hour_state(hour, of_hour[group])
            for hour, of_hour in self._open.items()
            if group in of_hour
        ]
        history = member.history
        return states.encode(
            states.GroupState(
                states.LAYOUT,
                max(member.closed, NEVER if self._closed is None else self._closed),
                member.last,
                history.first,
                member.agency,
                history.slots,
                history.sizes,
                hours,
                member.silence if member.silence.hours else None,
                None if member.drift.idle else member.drift,
            )
        )

    def restore(self, stored: Mapping[Group, bytes]) -> None:
        """Put back what `encode` gave. Raises MonitorError for a state that cannot be read."""
        earliest = None
        for group, packed in stored.items():
            try:
                state = states.decode(packed)
                if state.layout != states.LAYOUT:
                    raise ValueError(f"layout {state.layout} is not {states.LAYOUT}")
                hours = {one.hour: states.open_hour(one) for one in state.hours}
            except (msgspec.MsgspecError, ValueError) as why:
                raise MonitorError(
                    f"rule {self.rule}: the stored state of {dict(group)} cannot be read: {why}"
                ) from why
            parent = self._is_parent(group)
            member = Member(states.history(state), None if parent else self._parent_of(group), state.agency)
            member.last, member.closed = state.last, state.closed
            member.silence, member.drift = state.silence or Silence(), state.drift or Drift()
            (self._parents if parent else self._members).put(group, member)
            if state.closed != NEVER:
                self._closed = state.closed if self._closed is None else max(self._closed, state.closed)
            for hour, opened in hours.items():
                self._open.setdefault(hour, {})[group] = opened
                earliest = hour if earliest is None else min(earliest, hour)
        if earliest is not None and self._closed is not None:
            self._closed = min(self._closed, earliest - 1)
        for hour, of_hour in self._open.items():
            for group, opened in of_hour.items():
                known = self._members.get(group)
                if known is not None:
                    self._bound(opened, known, self._calendar.season(hour))

    # One hour of a group

    def _begin(self, hour: int, group: Group, agency: str) -> OpenHour | None:
        member = self._members.get(group)
        closed = self._closed
        if (closed is not None and hour <= closed) or (member is not None and hour <= member.closed):
            self.counters.late += 1
            return None
        if member is None:
            member = self._new(group, hour, agency)
        member.last = max(member.last, hour)
        season = self._calendar.season(hour)
        member.history.first = min(member.history.first, (season.week, season.slot))
        opened = OpenHour()
        self._bound(opened, member, season)
        self._open.setdefault(hour, {})[group] = opened
        return opened

    def _new(self, group: Group, hour: int, agency: str) -> Member:
        season = self._calendar.season(hour)
        parent = self._parent_of(group)
        if parent is not None and self._parents.get(parent) is None:
            self._evict(self._parents.put(parent, Member(History((season.week, season.slot)))))
            self._touched[parent] = None
        member = Member(History((season.week, season.slot)), parent, agency)
        member.last = hour
        self._evict(self._members.put(group, member))
        self._touched[group] = None
        return member

    def _evict(self, gone: list[Group]) -> None:
        self.counters.evicted += len(gone)
        for group in gone:
            self._touched[group] = None
            for of_hour in self._open.values():
                of_hour.pop(group, None)

    def _parent_of(self, group: Group) -> Group | None:
        if not self._parent_fields:
            return None
        return tuple(pair for pair in group if pair[0] in self._parent_fields)

    def _is_parent(self, group: Group) -> bool:
        return bool(self._parent_fields) and {name for name, _ in group} == self._parent_fields

    def _amount(self, value: str | float | None) -> int | None:
        """What a value adds: whole units for a sum; None when it is no amount."""
        if not self._sums:
            if value is not None:
                return 1
        elif isinstance(value, int | float) and isfinite(value) and value >= 0:
            return min(int(value + 0.5), LARGEST_VALUE)
        self.counters.unusable += 1
        return None

    def _see(self, opened: OpenHour, value: str | float | None) -> None:
        distinct = opened.distinct
        if distinct is None:
            distinct = opened.distinct = Distinct()
        if value is not None:
            was_exact = distinct.exact
            distinct.add(value)
            self.counters.estimated += was_exact and not distinct.exact
        opened.total = distinct.count

    def _bound(self, opened: OpenHour, member: Member, season: Season) -> None:
        """Work out what the hour may hold; nothing is too much for a group that is not armed."""
        if not self._at_once:
            return
        parent = self._parents.get(member.parent) if member.parent else None
        if parent is not None and not self._armed(parent, season):
            parent = None
        if not self._armed(member, season):
            part = member.part_of(parent, self._calendar, season.week) if parent else None
            if not part:
                return
        usual = usual_at_most(member, parent, self._calendar, season, self._sums)
        if usual is None:
            return
        bound = upper_bound(usual.mean, usual.variance, usual.unit, self._probability)
        opened.usual = usual
        opened.bound = max(bound, usual.mean + self._baseline.floor)

    def _armed(self, member: Member, season: Season) -> bool:
        return (
            member.history.weeks_known(season.week, season.slot) >= self._seasons
            and member.traits(self._calendar, season.week, self._sums).weeks >= self._seasons
        )

    # Detections

    def _passed(self, hour: int, group: Group, opened: OpenHour, time_ms: int) -> Collection[Detection]:
        if opened.told_ms >= 0 and time_ms < opened.told_ms + REFRESH_MS:
            return ()
        return (self._excess(hour, group, opened, opened.last_ms),)

    def _excess(self, hour: int, group: Group, opened: OpenHour, until_ms: int) -> Detection:
        member = self._members.get(group)
        usual = opened.usual
        facts: Facts = {
            "expected": round(usual.mean, 1) if usual else 0,
            "upper_bound": round(opened.bound, 1),
            "seen": opened.total,
        }
        if opened.distinct is not None and not opened.distinct.exact:
            facts["estimated"] = 1
        detection = self._detection(
            hour,
            group,
            member,
            first_ms=opened.first_ms if opened.pending else until_ms,
            last_ms=until_ms,
            count=opened.pending,
            evidence=tuple(opened.evidence),
            facts=facts,
        )
        opened.told(until_ms)
        return detection

    def _detection(
        self,
        hour: int,
        group: Group,
        member: Member | None,
        *,
        first_ms: int,
        last_ms: int,
        count: int,
        evidence: tuple[Evidence, ...],
        facts: Facts,
    ) -> Detection:
        season = self._calendar.season(hour)
        known = member.history.weeks_known(season.week, season.slot) if member else 0
        measure = self._baseline.measure
        facts["history_weeks"] = min(int(known), HISTORY_WEEKS)
        facts["measure"] = (
            f"{measure} of {self._baseline.value_field}" if self._baseline.value_field else measure
        )
        facts["slot"] = words(season.slot)
        agency = member.agency if member else ""
        return Detection(self.rule, agency, group, first_ms, last_ms, count, evidence, facts)

    # The end of an hour

    def _close(self, hour: int) -> list[Detection]:
        season = self._calendar.season(hour)
        open_now = self._open.pop(hour, {})
        found: list[Detection] = []
        learned: dict[Group, int] = {}
        if self._at_once:
            end_ms = (hour + 1) * HOUR_MS
            for group, opened in open_now.items():
                if opened.told_ms >= 0:
                    found.append(self._excess(hour, group, opened, end_ms))
                    learned[group] = int(opened.bound)
        elif not season.special:
            found = self._judged(hour, season, open_now, learned)
        for group, opened in open_now.items():
            member = self._members.get(group)
            if member is None:
                continue
            self._touched[group] = None
            if group in learned:
                self._learn(group, member, hour, season, learned[group], 0)
            else:
                self._learn(group, member, hour, season, opened.total, opened.squares)
        if not self._at_once:
            for group, total in learned.items():
                member = self._members.get(group)
                if group not in open_now and total and member is not None:
                    self._learn(group, member, hour, season, total, 0)
        return found

    def _judged(
        self, hour: int, season: Season, open_now: Mapping[Group, OpenHour], learned: dict[Group, int]
    ) -> list[Detection]:
        groups: list[Group] = []
        ended: list[Ended] = []
        for group, member in self._members:
            opened = open_now.get(group)
            remembers = member.silence.hours or member.drift.sum
            if opened is None and season.slot not in member.history.slots and not remembers:
                continue
            if member.closed >= hour or not self._armed(member, season):
                continue
            groups.append(group)
            ended.append(Ended(member, None if opened is None else opened.total))
        if self._judge is None or not ended:
            return []
        before = [(one.member.silence, one.member.drift) for one in ended]
        verdicts = list(self._judge(hour, season, ended))
        found = []
        for group, one, was, verdict in zip(groups, ended, before, verdicts, strict=True):
            if was != (one.member.silence, one.member.drift):
                self._touched[group] = None
            if verdict is not None:
                learned[group] = verdict.learned
                found.append(self._departure(hour, group, one.member, open_now.get(group), verdict))
        return found

    def _departure(
        self, hour: int, group: Group, member: Member, opened: OpenHour | None, verdict: Verdict
    ) -> Detection:
        return self._detection(
            hour,
            group,
            member,
            first_ms=verdict.since * HOUR_MS,
            last_ms=(hour + 1) * HOUR_MS,
            count=1,
            evidence=tuple(opened.evidence) if opened else (),
            facts=verdict.facts,
        )

    def _learn(
        self, group: Group, member: Member, hour: int, season: Season, total: int, squares: int
    ) -> None:
        if season.special or member.closed >= hour:
            return
        parent = self._parents.get(member.parent) if member.parent else None
        holders = [(group, member)]
        if parent is not None and member.parent is not None and parent.closed < hour:
            parent.last = max(parent.last, hour)
            holders.append((member.parent, parent))
        for key, one in holders:
            one.history.add(season.week, season.slot, total)
            if self._sums and squares:
                one.history.add_sizes(season.week, total, squares)
            self._touched[key] = None

    def _sweep(self, week: int) -> None:
        """Once a week, forget what no comparison needs any more."""
        if self._swept == week:
            return
        self._swept = week
        for members in (self._members, self._parents):
            for group, member in list(members):
                busy = any(group in of_hour for of_hour in self._open.values())
                if not member.history.forget(week) and not busy:
                    members.remove(group)
                    self._touched[group] = None


def _squares(total: int, events: int) -> int:
    """The sum of the squares of that many values, where only their sum is known."""
    return int(ASSUMED_SQUARES * total * total / max(events, 1))
