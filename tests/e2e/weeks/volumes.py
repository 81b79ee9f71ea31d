"""Volumes by the hour: how many calls each pair and each officer makes, and which providers are away.

Hours of neighbouring days resemble each other (a factor for each pair and day), campaigns and retry storms
lift some, maintenance empties others, officers have leave, backlogs and colleagues whose work they take over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from tests.e2e.weeks.calendar import DAY_HOURS, WEEK_HOURS, Calendar, permits
from tests.e2e.weeks.lots import poisson, spread
from tests.e2e.weeks.platform import Officer, Pair, Platform

_DAILY, _HOURLY = 0.12, 0.10  # standard deviations of logarithms, beyond chance
_LEAVE, _BACKLOG = 0.06, 0.006  # of an officer's days
_BACKLOG_FACTOR = 3.0
_CAMPAIGNS_A_WEEK, _STORMS_A_WEEK, _MAINTENANCES_A_WEEK, _TAKEOVERS_A_WEEK = 1.0, 0.5, 1.5, 6.0


class PairHour(NamedTuple):
    """Answered calls with data of a pair in an hour, and the records in them."""

    pair: Pair
    calls: int
    records: int


class OfficerHour(NamedTuple):
    """An officer's look-ups in an hour, and how many different persons they were about."""

    officer: Officer
    look_ups: int
    persons: int


@dataclass(slots=True)
class Volumes:
    """The volumes of all hours, the same for the same seed; `away` are (provider, first hour, last hour)."""

    platform: Platform
    calendar: Calendar
    rng: Random
    away: list[tuple[str, int, int]] = field(default_factory=list)
    lifted: dict[Pair, list[tuple[int, int, float]]] = field(default_factory=dict)
    taken_over: dict[str, tuple[int, int]] = field(default_factory=dict)
    begun: dict[Pair, int] = field(default_factory=dict)
    _days: dict[str, tuple[int, float]] = field(default_factory=dict)
    _pair_days: dict[Pair, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng, weeks, pairs = self.rng, self.calendar.weeks, self.platform.pairs
        rates = [pair.rate for pair in pairs]
        for _ in range(round(_CAMPAIGNS_A_WEEK * weeks)):
            start = rng.randrange(weeks * 7) * DAY_HOURS
            pair = rng.choices(pairs, rates)[0]
            self.lifted.setdefault(pair, []).append(
                (start, start + rng.randint(2, 5) * DAY_HOURS, rng.uniform(1.4, 2.2))
            )
        for _ in range(round(_STORMS_A_WEEK * weeks)):
            start = rng.randrange(weeks * WEEK_HOURS)
            pair = rng.choices(pairs, rates)[0]
            self.lifted.setdefault(pair, []).append((start, start + 1, rng.uniform(2.5, 4)))
        providers = sorted({pair.provider for pair in pairs})
        for _ in range(round(_MAINTENANCES_A_WEEK * weeks)):
            start = rng.randrange(weeks) * WEEK_HOURS + 5 * DAY_HOURS + rng.choice((22, 23, 24))
            self.away.append((rng.choice(providers), start, start + rng.randint(2, 5)))
        for officer in rng.sample(self.platform.officers, round(_TAKEOVERS_A_WEEK * weeks)):
            start = rng.randrange(weeks * WEEK_HOURS)
            self.taken_over[officer.name] = (start, start + rng.randint(5, 15) * DAY_HOURS)
        for pair in rng.sample(pairs, 4):  # agreements that begin while we watch
            self.begun[pair] = rng.randrange(self.calendar.scored_from, weeks * WEEK_HOURS)

    def pairs(self, hour: int) -> Iterator[PairHour]:
        """Every pair that was answered in an hour."""
        busy = self.calendar.busy(hour)
        closed = {provider for provider, first, last in self.away if first <= hour < last}
        for pair in self.platform.pairs:
            if (
                pair.provider in closed
                or hour < self.begun.get(pair, 0)
                or not permits(pair.hours, self.calendar, hour)
            ):
                continue
            mean = pair.rate * busy * self._of_day(pair, hour) * spread(self.rng, _HOURLY)
            for first, last, factor in self.lifted.get(pair, ()):
                if first <= hour < last:
                    mean *= factor
            calls = poisson(self.rng, mean * 0.97)  # the rest fails or finds nothing
            if calls:
                # Sizes of single calls vary as an exponential distribution's do where calls carry many.
                many = pair.records > 2
                noise = self.rng.gauss(0, 1) * calls**-0.5 * (0.5 if many else 0.2)
                yield PairHour(pair, calls, max(calls, round(calls * pair.records * max(0.2, 1 + noise))))

    def officers(self, hour: int) -> Iterator[OfficerHour]:
        """Every officer who looked somebody up in an hour."""
        calendar, rng = self.calendar, self.rng
        off, local = calendar.is_off(hour), hour % DAY_HOURS
        saturday = calendar.day(hour).weekday() == 5
        busy = calendar.busy(hour) / 2.4  # 1 in a full working hour
        day = hour // DAY_HOURS
        closed = {provider for provider, first, last in self.away if first <= hour < last}
        for officer in self.platform.officers:
            if not officer.first <= hour < officer.last or officer.pair.provider in closed:
                continue
            if off and not (officer.shifts and self._on_shift(officer, day, local)):
                continue
            if not permits(officer.pair.hours, calendar, hour):
                continue
            factor = self._day_of(officer, day)
            if factor == 0.0 or (saturday and factor > 0 and day % 3 and not officer.shifts):
                continue
            mean = officer.rate * factor * (max(busy, 0.25) if off else busy)
            if (span := self.taken_over.get(officer.name)) and span[0] <= hour < span[1]:
                mean *= 1.7
            look_ups = poisson(rng, mean * spread(rng, 0.2))
            if look_ups:
                yield OfficerHour(officer, look_ups, max(1, round(look_ups * 0.9)))

    def _day_of(self, officer: Officer, day: int) -> float:
        known = self._days.get(officer.name)
        if known is not None and known[0] == day:
            return known[1]
        lot = self.rng.random()
        factor = 0.0 if lot < _LEAVE else _BACKLOG_FACTOR if lot > 1 - _BACKLOG else spread(self.rng, 0.3)
        self._days[officer.name] = (day, factor)
        return factor

    def _on_shift(self, officer: Officer, day: int, local: int) -> bool:
        """Of three teams one works at night, each in turn; on free days one works by day."""
        return (day + int(officer.name[:2], 16)) % 3 == (local >= 18 or local < 7)

    def _of_day(self, pair: Pair, hour: int) -> float:
        day = hour // DAY_HOURS
        known = self._pair_days.get(pair)
        if known is None or known[0] != day:
            known = self._pair_days[pair] = (day, spread(self.rng, _DAILY))
        return known[1]
