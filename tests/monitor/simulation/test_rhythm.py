"""The rhythm: busy mornings, a dip at noon, quiet nights and weekends, and the stated rate on average."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest

from monitor.simulation.rhythm import WEEK, arrivals, weight
from tests.monitor.simulation.world import ZONE

MONDAY = datetime(2026, 10, 5, tzinfo=ZONE)
WEEK_SECONDS = 7 * 86_400


def _at(day: int, hour: int) -> float:
    return weight(MONDAY.replace(day=5 + day, hour=hour, minute=30).timestamp(), ZONE)


def test_weights_of_a_week_average_to_one() -> None:
    """So that the rate given is the rate had."""
    assert sum(WEEK) / len(WEEK) == pytest.approx(1)


def test_offices_set_the_rhythm() -> None:
    """The morning is busier than noon, noon than night, a working day than Saturday, Saturday than Sunday."""
    assert _at(0, 9) > 2 * _at(0, 12) > 2 * _at(0, 3)
    assert _at(0, 9) > _at(0, 15) > _at(0, 19)
    assert _at(2, 9) > 2 * _at(5, 9) > 2 * _at(6, 9)
    assert min(WEEK) > 0


def test_the_rhythm_is_local() -> None:
    """Nine in the morning is busy where the offices are, not in Greenwich."""
    nine_utc = datetime(2026, 10, 5, 9, 30, tzinfo=UTC).timestamp()
    assert weight(nine_utc, ZoneInfo("UTC")) == pytest.approx(_at(0, 9))
    assert weight(nine_utc, ZONE) == pytest.approx(_at(0, 16))


def test_a_week_of_arrivals_has_the_rate_and_the_rhythm() -> None:
    """Totals within five standard deviations; the hours of the stream follow the weights."""
    start = MONDAY.timestamp()
    times = list(takewhile(lambda time: time < start + WEEK_SECONDS, arrivals(start, 0.1, 3, ZONE)))
    expected = 0.1 * WEEK_SECONDS
    assert abs(len(times) - expected) < 5 * expected**0.5
    assert all(before <= after for before, after in pairwise(times))
    hours = [datetime.fromtimestamp(time, ZONE) for time in times]
    morning = sum(one.weekday() == 1 and one.hour == 9 for one in hours)
    night = sum(one.weekday() == 1 and one.hour == 2 for one in hours)
    assert morning > 5 * night


def test_without_a_zone_arrivals_are_steady() -> None:
    """Day and night alike."""
    start = MONDAY.timestamp()
    times = list(takewhile(lambda time: time < start + 86_400, arrivals(start, 0.5, 3, None)))
    assert abs(sum(time < start + 43_200 for time in times) - 21_600) < 5 * 21_600**0.5
