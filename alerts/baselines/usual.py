"""What is usual for a group in one hour: expectation, spread and how much is known.

Everything here is a function of weeks before, at least a day before the hour: whatever the order in which
events arrive and wherever the stream was stopped, the answer is the same.
"""

from __future__ import annotations

from math import pi
from typing import Final, NamedTuple

from alerts.baselines.history import History
from alerts.baselines.season import (
    DAY_HOURS,
    HISTORY_WEEKS,
    WEEK_DAYS,
    Calendar,
    Season,
    alike,
    neighbours,
)
from alerts.baselines.shrink import share, shrunk
from alerts.baselines.spread import (
    LEAST_DAILY_VARIANCE,
    USUAL_DAILY_VARIANCE,
    capped_mean,
    lower_mean,
    relative_variance,
    weighted_median,
)

OWN_WEIGHT: Final = 3
"""A slot's own totals weigh this against one for its neighbours': with both of them odd, its own decide."""
FEW: Final = 5
"""With fewer totals of its own than this, a slot is taken together with its neighbours."""
FEWEST: Final = 3
"""With fewer hours of activity than this, a slot is taken together with the same hour of like days."""
MEDIAN_COST: Final = pi / 2  # variance of a median relative to that of a mean, for normal values
_SUNDAY: Final = 6
_LEVEL_WEEKS: Final = 4  # weeks over which a group's level is compared with its parent's


class Usual(NamedTuple):
    """What is usual: a mean, the relative variance beyond counting, and the unit of counting."""

    mean: float
    variance: float
    unit: float


class Traits(NamedTuple):
    """What holds for a group in all hours of a week."""

    week: int
    variance: float
    unit: float | None  # None: not known yet
    weeks: int  # weeks before in which it did anything


class Known:
    """What is known of a group: its history, and its traits of the week that was last asked for."""

    __slots__ = ("_daily", "_share", "_traits", "history")

    def __init__(self, history: History) -> None:
        self.history = history
        self._traits: Traits | None = None
        self._share: tuple[int, float | None] | None = None
        self._daily: tuple[int, float] | None = None

    def forget_traits(self) -> None:
        """Work traits out anew: the history was changed from outside."""
        self._traits = None
        self._share = None
        self._daily = None

    def traits(self, calendar: Calendar, week: int, sums: bool) -> Traits:
        """Spread and unit as of the beginning of a week; its eve, which may not have ended, is left out."""
        known = self._traits
        if known is None or known.week != week:
            unit = self._unit(week) if sums else 1.0
            weeks = [_settled(calendar, week, day) for day in range(WEEK_DAYS)]
            pairs = list(self.history.pairs(weeks)) if unit else []
            active = self.history.active_weeks(weeks)
            known = self._traits = Traits(week, relative_variance(pairs, unit or 1.0), unit, active)
        return known

    def daily_variance(self, calendar: Calendar, week: int, unit: float) -> float:
        """Relative variance of a day's total beyond counting, the expectation's own included."""
        if self._daily is None or self._daily[0] != week:
            weeks = [_settled(calendar, week, day) for day in range(WEEK_DAYS)]
            pairs = list(self.history.day_pairs(weeks))
            variance = relative_variance(pairs, unit, USUAL_DAILY_VARIANCE, LEAST_DAILY_VARIANCE)
            known = max(1, len(self.history.known(0, calendar.weeks(week, 0))))
            self._daily = (week, variance * (1 + 1 / known))
        return self._daily[1]

    def _unit(self, week: int) -> float | None:
        """The size-weighted mean of single values: a sum of values that come by chance varies as a count of
        that unit does (Campbell's theorem)."""
        total, squares = 0.0, 0.0
        for one in range(week - 2, week - 2 - HISTORY_WEEKS, -1):
            sums = self.history.sizes.get(one)
            if sums:
                total, squares = total + sums[0], squares + sums[1]
        if total <= 0 or squares <= 0:
            return None
        return squares / total

    def part_of(self, parent: Known, calendar: Calendar, week: int) -> float | None:
        """The group's level relative to its parent's over the last full weeks; None when none is known."""
        if self._share is None or self._share[0] != week:
            weeks = [one for one in _settled(calendar, week, 0)[:_LEVEL_WEEKS] if one > self.history.first[0]]
            own = _level(self.history, weeks)
            known = share(own, _level(parent.history, weeks)) if weeks else None
            self._share = (week, known)
        return self._share[1]


def _settled(calendar: Calendar, week: int, day: int) -> list[int]:
    """The weeks before `week` that count for a day, latest first; last Sunday may not have ended."""
    weeks = calendar.weeks(week, day * DAY_HOURS)
    return [one for one in weeks if day != _SUNDAY or one < week - 1]


def _level(history: History, weeks: list[int]) -> int:
    """Everything from Monday to Saturday of these weeks."""
    return sum(sum(history.totals(slot, weeks)) for slot in history.slots if slot < _SUNDAY * DAY_HOURS)


def usual_at_most(
    group: Known, parent: Known | None, calendar: Calendar, season: Season, sums: bool
) -> Usual | None:
    """What an hour of activity holds, for judging whether it holds too much; None when it cannot be told.

    Hours without activity are left out, so that a group that comes on some days only is compared with those.
    On a special day, the busiest working day at that hour is what is usual. The spread includes that of the
    expectation, which few weeks tell badly. Half an event is added to what was seen (Jeffreys).
    """
    traits = group.traits(calendar, season.week, sums)
    unit = traits.unit
    if unit is None:
        return None
    slots = alike(season.slot % DAY_HOURS) if season.special else (season.slot,)
    found = [_active(group, parent, calendar, season.week, slot) for slot in slots]
    mean, points = max(found)
    mean += 0.5 * unit / (points + 1)
    spread = traits.variance + MEDIAN_COST * (traits.variance + unit / mean) / max(points, 1)
    return Usual(mean, spread, unit)


def _active(
    group: Known, parent: Known | None, calendar: Calendar, week: int, slot: int
) -> tuple[float, int]:
    """The usual total of an active hour, and how many hours say so."""
    history = group.history
    points = _points(history, calendar, week, slot)
    if len(points) < FEWEST:
        points = [point for day in alike(slot) for point in _points(history, calendar, week, day)]
    if points:
        own, number = weighted_median(points), min(len(points), HISTORY_WEEKS)
    else:
        own, number = 0.0, len(history.known(slot, calendar.weeks(week, slot)))
    if parent is None:
        return own, number
    part = group.part_of(parent, calendar, week)
    if part is None:
        return own, number
    theirs = _points(parent.history, calendar, week, slot)
    return shrunk(own, number, part * weighted_median(theirs) if theirs else 0.0), number


def _points(history: History, calendar: Calendar, week: int, slot: int) -> list[tuple[float, int]]:
    """Totals above zero of a slot and, where these are few, of its neighbours, with their weights."""
    weeks = calendar.weeks(week, slot)
    points: list[tuple[float, int]] = [
        (total, OWN_WEIGHT) for total in history.totals(slot, weeks) if total > 0
    ]
    if len(points) < FEW:
        points += [
            (total, 1) for beside in neighbours(slot) for total in history.totals(beside, weeks) if total
        ]
    return points


def usual_at_least(group: Known, calendar: Calendar, season: Season, sums: bool) -> Usual | None:
    """What comes in an hour, empty hours included, for judging whether it is too little."""
    traits = group.traits(calendar, season.week, sums)
    if traits.unit is None:
        return None
    totals = like_hours(group.history, calendar, season)
    if not totals:
        return None
    weights = [OWN_WEIGHT] * len(totals)
    if len(totals) < FEW:
        weeks = calendar.weeks(season.week, season.slot)
        for beside in neighbours(season.slot):
            more = group.history.totals(beside, weeks)
            totals += more
            weights += [1] * len(more)
    mean = weighted_median(zip(totals, weights, strict=True))
    return Usual(mean, traits.variance, traits.unit)


def usual_on_average(group: Known, calendar: Calendar, season: Season, sums: bool) -> Usual | None:
    """What comes in an hour on average, for adding up over a day."""
    traits = group.traits(calendar, season.week, sums)
    totals = like_hours(group.history, calendar, season)
    if traits.unit is None or not totals:
        return None
    return Usual(capped_mean(totals, traits.unit), traits.variance, traits.unit)


def usual_when_quiet(
    group: Known, calendar: Calendar, season: Season, sums: bool
) -> tuple[Usual, list[int]] | None:
    """What comes in an hour without bursts, and the totals of like hours, for judging an empty one."""
    traits = group.traits(calendar, season.week, sums)
    totals = like_hours(group.history, calendar, season)
    if traits.unit is None or not totals:
        return None
    weeks = calendar.weeks(season.week, season.slot)
    beside = [total for slot in neighbours(season.slot) for total in group.history.totals(slot, weeks)]
    return Usual(lower_mean(totals), traits.variance, traits.unit), totals + beside


def like_hours(history: History, calendar: Calendar, season: Season) -> list[int]:
    """The same hour of the weeks before, as far as the group was known."""
    return history.totals(season.slot, calendar.weeks(season.week, season.slot))
