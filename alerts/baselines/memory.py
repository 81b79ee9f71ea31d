"""All that one baseline rule remembers in one partition: its groups, their parents, and the hours still open.

States are stored group by group, not all at the same time. A stored state says up to which hour (`closed`) it
holds: closing an hour again changes nothing in the groups and parents that have it already, and a parent that
was stored earlier than its groups is brought up to date from their histories.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from alerts.baselines import state as states
from alerts.baselines.drift import Drift
from alerts.baselines.history import History
from alerts.baselines.member import NEVER, Member, Members
from alerts.baselines.opened import OpenHour
from alerts.baselines.season import HISTORY_WEEKS, WEEK_HOURS, Calendar
from alerts.baselines.silence import Silence
from alerts.model import Group
from alerts.rule import Baseline
from monitor.errors import MonitorError

LONGEST_GAP: Final = (HISTORY_WEEKS + 2) * WEEK_HOURS
"""After so many hours nothing that was usual is left."""


class Memory:
    """Groups, parents and open hours.

    `touched` holds the groups that changed since they were last encoded, in the order in which they did so.
    `evicted` counts groups forgotten for want of room. `closed` is the last hour that this process closed.
    """

    def __init__(self, rule: Baseline, zone: ZoneInfo, special: Container[date], max_groups: int) -> None:
        self.rule = rule.info.id
        self.calendar = Calendar(zone, special)
        self.members = Members(max_groups)
        self.parents = Members(max_groups)
        self.open: dict[int, dict[Group, OpenHour]] = {}
        self.closed = NEVER
        self.touched: dict[Group, None] = {}
        self.evicted = 0
        self._sums = rule.measure == "sum"
        # Fields that are all of the group's would make it its own parent.
        self._parent_fields = frozenset(rule.parent) if set(rule.parent) < set(rule.group_by) else frozenset()
        self._swept: int | None = None

    def touch(self, group: Group) -> None:
        """Note that a group's state has changed."""
        self.touched[group] = None

    def parent_of(self, member: Member) -> Member | None:
        """The larger group's state."""
        return self.parents.get(member.parent) if member.parent else None

    def new(self, group: Group, hour: int, agency: str) -> Member:
        """Begin to remember a group, and its parent."""
        season = self.calendar.season(hour)
        first = (season.week, season.slot)
        key = self._key_of_parent(group)
        if key is not None and self.parents.get(key) is None:
            self._make_room(self.parents)
            self.parents.put(key, Member(History(first)))
            self.touch(key)
        self._make_room(self.members)
        member = Member(History(first), key, agency)
        member.last = hour
        self.members.put(group, member)
        self.touch(group)
        return member

    def learn(self, group: Group, member: Member, hour: int, total: int, squares: int) -> None:
        """Add an hour that is over to a group's history and to its parent's; special days are left out."""
        season = self.calendar.season(hour)
        if season.special or member.closed >= hour:
            return
        parent = self.parent_of(member)
        holders = [(group, member)]
        if parent is not None and member.parent is not None and parent.closed < hour:
            parent.last = max(parent.last, hour)
            holders.append((member.parent, parent))
        for key, one in holders:
            one.history.add(season.week, season.slot, total)
            self.touch(key)
        if self._sums and squares:  # of parents only the rhythm is asked for
            member.history.add_sizes(season.week, total, squares)

    def hours_to_close(self, ended: int, *, all_hours: bool) -> list[int]:
        """The hours up to `ended` that were not closed yet: those that are open, or all of them."""
        hours = {hour for hour in self.open if hour <= ended}
        if all_hours and len(self.members):
            before = self.closed
            if before == NEVER:  # a restored state may have hours to close in which nothing came
                before = min((one.closed for _, one in self.members if one.closed != NEVER), default=ended)
            hours.update(range(max(before + 1, ended + 1 - LONGEST_GAP), ended + 1))
        return sorted(hours)

    def sweep(self, ended: int) -> None:
        """Once a week, forget what no comparison needs any more."""
        week = self.calendar.season(ended).week
        if self._swept == week:
            return
        self._swept = week
        for group, member in list(self.members):
            busy = any(group in of_hour for of_hour in self.open.values())
            if not member.history.forget(week) and not busy:
                self.members.remove(group)
                self.touch(group)
        of_some = {member.parent for _, member in self.members}  # also before its first hour is closed
        for group, parent in list(self.parents):
            if not parent.history.forget(week) and group not in of_some:
                self.parents.remove(group)
                self.touch(group)

    def _forget(self, groups: Iterable[Group]) -> None:
        for group in groups:
            for members in (self.members, self.parents):
                if members.get(group) is not None:
                    members.remove(group)
            for of_hour in self.open.values():
                of_hour.pop(group, None)
            self.touch(group)

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state; None when it is forgotten."""
        self.touched.pop(group, None)
        member = self.members.get(group) or self.parents.get(group)
        if member is None:
            return None
        history = member.history
        state = states.GroupState(
            states.LAYOUT,
            max(member.closed, self.closed),
            member.last,
            history.first,
            member.agency,
            history.slots,
            history.sizes,
            [states.hour_state(hour, held[group]) for hour, held in self.open.items() if group in held],
            member.silence if member.silence.hours else None,
            None if member.drift.idle else member.drift,
        )
        return states.encode(state)

    def restore(self, stored: Mapping[Group, bytes]) -> list[tuple[int, Member, OpenHour]]:
        """Put back what `encode` gave; return the open hours among it, whose bounds are to be worked out.

        Raises MonitorError for a state that cannot be read.
        """
        opened = []
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
            parent = bool(self._parent_fields) and {name for name, _ in group} == self._parent_fields
            member = Member(
                states.history(state), None if parent else self._key_of_parent(group), state.agency
            )
            member.last, member.closed = state.last, state.closed
            member.silence, member.drift = state.silence or Silence(), state.drift or Drift()
            (self.parents if parent else self.members).put(group, member)
            for hour, one in hours.items():
                self.open.setdefault(hour, {})[group] = one
                opened.append((hour, member, one))
        for group in stored:
            restored = self.members.get(group)
            if restored is not None:
                self._bring_up_to_date(restored)
        return opened

    def _bring_up_to_date(self, member: Member) -> None:
        """Add to the parent what the group has learned since the parent was stored."""
        if member.parent is None:
            return
        parent = self.parents.get(member.parent)
        if parent is None:
            parent = Member(History(member.history.first))
            self.parents.put(member.parent, parent)
        for hour in range(max(parent.closed + 1, member.closed - LONGEST_GAP), member.closed + 1):
            season = self.calendar.season(hour)
            total = member.history.at(season.week, season.slot)
            if total and not season.special:
                parent.history.add(season.week, season.slot, total)
                parent.last = max(parent.last, hour)
                self.touch(member.parent)

    def _make_room(self, members: Members) -> None:
        gone = members.beyond()
        self._forget(gone)
        self.evicted += len(gone)

    def _key_of_parent(self, group: Group) -> Group | None:
        if not self._parent_fields:
            return None
        return tuple(pair for pair in group if pair[0] in self._parent_fields)
