"""Four weeks of a national platform in hourly totals: how often an alert is false, and what is found.

Pairs of very different size share 32 exchanges a second with the rhythm of offices. The first three weeks are
learned, the next are judged. All 160 pairs over the full time are a drill; 50 of them are tested always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from alerts.baselines.kind import BaselineKind
from alerts.model import Group
from tests.alerts.baselines.making import MONDAY, ZONE, Platform, at, close, rule

LEARNED = 3
DIRECTIONS = ("above", "below", "silence", "drift")
Change = Callable[[int, Group, int], int]


def _alerts(
    direction: str, platform: Platform, weeks: int, change: Change = lambda _hour, _group, total: total
) -> list[tuple[int, Group]]:
    """Which group was told of in which hour (the first one of each episode: gaps of two hours end one)."""
    kind = BaselineKind(rule(direction, parent=("service",)), ZONE)
    told: dict[Group, int] = {}
    alerts = []
    for hour, totals in platform.hours(LEARNED + weeks):
        found = []
        for group, total in totals:
            if hour < at(LEARNED, 0, 0):
                kind.prime(group, hour, total)
            else:
                found += list(kind.observe_total(group, hour, change(hour, group, total)))
        found += close(kind, hour)
        for group in dict.fromkeys(one.group for one in found):
            if hour - told.get(group, MONDAY) > 2:
                alerts.append((hour, group))
            told[group] = hour
    return alerts


def _changed(groups: Iterable[Group], since: int, until: int, factor: float) -> Change:
    chosen = frozenset(groups)
    return lambda hour, group, total: (
        int(total * factor + 0.5) if group in chosen and since <= hour < until else total
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_platform_that_behaves_raises_one_alert_in_four_weeks_at_the_most(direction: str) -> None:
    """Hours vary by 22 % and days by 5 % beyond chance: once in a month, both come together by chance."""
    assert len(_alerts(direction, Platform(1, pairs=50, spread=0.05, days=0.05), 4)) <= 1


@pytest.mark.drill
@pytest.mark.parametrize("noise", [(0.0, 0.0), (0.02, 0.0), (0.05, 0.1), (0.1, 0.1)])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_full_platform_raises_an_alert_in_two_weeks_at_the_most(
    direction: str, noise: tuple[float, float]
) -> None:
    """By chance alone, and with hours that vary by up to 32 % and days by 10 %."""
    spread, days = noise
    assert len(_alerts(direction, Platform(1, spread=spread, days=days), 4)) <= 2


def test_a_bulk_of_five_times_the_usual_is_found_for_large_and_small_pairs() -> None:
    """In its hour, and nothing else is."""
    platform = Platform(2, spread=0.05, days=0.05)
    chosen = [platform.groups[rank] for rank in (3, 40, 100, 150)]
    hour = at(LEARNED, 1, 10)
    assert _alerts("above", platform, 1, _changed(chosen, hour, hour + 1, 5)) == [
        (hour, group) for group in chosen
    ]


def test_a_rise_by_thirty_per_cent_is_found_within_a_week() -> None:
    """For all that rise, and for no other."""
    platform = Platform(3, spread=0.05, days=0.05)
    chosen = [platform.groups[rank] for rank in (3, 40, 100, 150)]
    found = _alerts("drift", platform, 1, _changed(chosen, at(LEARNED, 0, 0), at(LEARNED + 1, 0, 0), 1.3))
    assert {group for _, group in found} == set(chosen)


def test_a_service_that_stops_on_a_working_morning_is_found_at_the_end_of_that_hour() -> None:
    """Large or small: all of them answer in every working hour."""
    platform = Platform(4, spread=0.05, days=0.05)
    chosen = [platform.groups[rank] for rank in (3, 40, 100, 150)]
    since = at(LEARNED, 1, 10)
    found = _alerts("silence", platform, 1, _changed(chosen, since, at(LEARNED + 1, 0, 0), 0))
    assert found == [(since, group) for group in chosen]


def _swing(direction: str, pairs: int) -> int:
    """Alerts over six weeks, of which a month has half of the volume."""
    platform = Platform(
        5,
        pairs=pairs,
        spread=0.03,
        days=0.05,
        level=lambda week: 0.5 if LEARNED + 1 <= week < LEARNED + 5 else 1.0,
    )
    return len(_alerts(direction, platform, 6))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_national_fall_by_half_and_the_return_from_it_are_no_storm(direction: str) -> None:
    """A month at half the volume: a handful of alerts at the most, over all pairs."""
    assert _swing(direction, 50) <= 3


@pytest.mark.drill
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_national_fall_by_half_is_no_storm_on_the_full_platform(direction: str) -> None:
    """The same for all pairs."""
    assert _swing(direction, 160) <= 5
