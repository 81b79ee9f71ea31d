"""The agenda: which pairs may exchange at a moment, which may not and why, and how many calls are left."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date, datetime, time
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.errors import MonitorError
from monitor.judging.breach import Breach
from monitor.registry.model import Agreement, Hours
from monitor.simulation.popularity import pair_weights
from monitor.simulation.template import Template, template

if TYPE_CHECKING:
    from monitor.registry.load import Registry

UNLIMITED = 1 << 62
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_DRAWS = 256  # pairs drawn at once: choices() costs less for many than for one
_DAYS_KEPT = 4  # late events reach 26 hours back, over at most two midnights, and the newest day may lead


_CLAUSES: dict[Breach, Callable[[Agreement], bool]] = {
    Breach.FIELDS_EXCEEDED: lambda agreement: bool(agreement.fields),
    Breach.RECORDS_EXCEEDED: lambda agreement: agreement.ceilings.records_per_call is not None,
    Breach.CASE_MISSING: lambda agreement: agreement.case_required,
    Breach.UNSIGNED: lambda agreement: agreement.signature_required,
}


class Entry:
    """A pair on one local day: the terms it has, how popular it is, and the calls left to it."""

    __slots__ = ("left", "template", "weight")

    def __init__(self, chosen: Template, weight: float) -> None:
        self.template = chosen
        self.weight = weight
        self.left = chosen.agreement.ceilings.calls_per_day or UNLIMITED


class Day:
    """All pairs on one local day: those with an agreement in force, and the others by their standing."""

    def __init__(self) -> None:
        self.in_force: list[Entry] = []
        self.standing: dict[Breach, list[Template]] = {}


class Slice:
    """A stretch of time, [first, last) in epoch milliseconds, in which no agreed hours begin or end."""

    def __init__(self, first: int, last: int, day: Day, moment: datetime, rng: Random) -> None:
        self.first, self.last, self.day = first, last, day
        self._rng = rng
        self.closed: list[Entry] = []
        self._open: list[Entry] = []
        for entry in day.in_force:
            hours = entry.template.agreement.hours
            (self._open if hours is None or _permits(hours, moment) else self.closed).append(entry)
        self.limited = [entry for entry in self._open if entry.left != UNLIMITED]
        self._with_clause: dict[Breach, list[Entry]] = {}
        self._drawn: list[Entry] = []
        self._cumulative: list[float] = []
        self._renew()

    def _renew(self) -> None:
        self._open = [entry for entry in self._open if entry.left > 0]
        self._drawn.clear()
        self._cumulative = list(accumulate(entry.weight for entry in self._open))

    def draw(self) -> Entry | None:
        """A pair that may exchange now and has room for a call today, by popularity; None when none has."""
        while True:
            if not self._drawn:
                if not self._open:
                    return None
                self._drawn = self._rng.choices(self._open, cum_weights=self._cumulative, k=_DRAWS)
            entry = self._drawn.pop()
            if entry.left > 0:
                return entry
            self._renew()

    def spent(self) -> bool:
        """Whether pairs may exchange now, but all have made the calls that their agreements allow today."""
        return bool(self.limited)

    def with_clause(self, kind: Breach) -> list[Entry]:
        """The pairs that could commit a breach now because their agreement has the clause it breaks."""
        if kind is Breach.OUTSIDE_HOURS:
            return self.closed
        found = self._with_clause.get(kind)
        if found is None:
            has = _CLAUSES[kind]
            found = self._with_clause[kind] = [one for one in self._open if has(one.template.agreement)]
        return found


class Agenda:
    """A registry read as a timetable. Versions, hours and ceilings are those that the monitor judges by."""

    def __init__(self, registry: Registry, zone: ZoneInfo, seed: int) -> None:
        self._zone = zone
        self._rng = Random(f"{seed}:agenda")
        self._weights = pair_weights(registry, seed)
        self._versions = {pair: registry.versions(*pair) for pair in self._weights}
        if not self._versions:
            raise MonitorError("the registry holds no agreement, so nothing can be exchanged")
        self._templates = {
            (agreement.id, agreement.version): template(agreement, registry.services[agreement.service], seed)
            for agreement in registry.agreements
        }
        # Offsets from UTC are whole hours, so minutes at which hours begin or end are the same in both.
        self._cuts = sorted(
            {0}
            | {
                edge.minute * _MINUTE_MS
                for agreement in registry.agreements
                if agreement.hours is not None
                for edge in (agreement.hours.start, agreement.hours.until)
            }
        )
        self._days: dict[date, Day] = {}
        self._slices: dict[int, Slice] = {}

    def at(self, milliseconds: int) -> Slice:
        """The slice that holds a moment (epoch milliseconds)."""
        hour = milliseconds // _HOUR_MS * _HOUR_MS
        index = bisect_right(self._cuts, milliseconds - hour) - 1
        first = hour + self._cuts[index]
        found = self._slices.get(first)
        if found is None:
            last = hour + (self._cuts[index + 1] if index + 1 < len(self._cuts) else _HOUR_MS)
            moment = datetime.fromtimestamp(first // 1000, self._zone)
            found = Slice(first, last, self._day(moment.date()), moment, self._rng)
            self._slices[first] = found
        return found

    def _day(self, today: date) -> Day:
        found = self._days.get(today)
        if found is not None:
            return found
        while len(self._days) >= _DAYS_KEPT:
            gone = self._days.pop(min(self._days))
            self._slices = {first: kept for first, kept in self._slices.items() if kept.day is not gone}
        found = self._days[today] = Day()
        for pair, versions in self._versions.items():
            covering = [version for version in versions if version.start <= today <= version.last_day]
            settled = [version for version in covering if version.status != "draft"]
            if not covering:
                if standing := _standing_without(versions, today):
                    found.standing.setdefault(standing, []).append(self._template(versions[-1]))
                continue
            agreement = (settled or covering)[-1]
            if not agreement.permits:
                found.standing.setdefault(Breach.AGREEMENT_INACTIVE, []).append(self._template(agreement))
            elif agreement.status != "registered":  # whether that one may be used is the judge's business
                found.in_force.append(Entry(self._template(agreement), self._weights[pair]))
        return found

    def _template(self, agreement: Agreement) -> Template:
        return self._templates[agreement.id, agreement.version]


def _standing_without(versions: tuple[Agreement, ...], today: date) -> Breach | None:
    """Why no version covers a day; None where drafts or suspensions make it a matter of opinion."""
    if any(version.status not in ("active", "terminated") for version in versions):
        return None
    ended = [version for version in versions if version.last_day < today]
    if not ended:
        return Breach.AGREEMENT_NOT_STARTED
    last = max(ended, key=lambda version: version.last_day)
    return Breach.AGREEMENT_INACTIVE if last.status == "terminated" else Breach.AGREEMENT_EXPIRED


def _permits(hours: Hours, moment: datetime) -> bool:
    if _WEEKDAYS[moment.weekday()] not in hours.days:
        return False
    minute = time(moment.hour, moment.minute)
    return _whole(hours.start) <= minute and (hours.until == time(0) or minute < _whole(hours.until))


def _whole(edge: time) -> time:
    """Hours are agreed to the minute; seconds are not looked at."""
    return time(edge.hour, edge.minute)
