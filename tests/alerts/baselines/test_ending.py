"""`below`, `silence` and `drift`: told when the hour is over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from alerts.baselines.kind import BaselineKind
from alerts.baselines.season import HOUR_MS
from alerts.model import Detection, Group
from tests.alerts.baselines.making import ZONE, at, close, feed, office, pair, rule

USUAL = office(60)


def _known(
    direction: str, weeks: int = 4, special: frozenset[date] = frozenset(), **changes: Any
) -> BaselineKind:
    kind = BaselineKind(rule(direction, **changes), ZONE, special)
    assert not feed(kind, at(0, 0, 0), at(weeks, 0, 0), USUAL)
    return kind


def test_too_little_is_told_when_its_hour_is_over() -> None:
    """A tenth of the usual, on a working morning; not before the watermark passes the end."""
    kind = _known("below")
    feed(kind, at(4, 0, 0), at(4, 0, 9), USUAL)
    hour = at(4, 0, 9)
    assert not kind.observe_total(pair(), hour, USUAL(hour) // 10, agency="MOH", event_id="e1")
    assert not kind.advance((hour + 1) * HOUR_MS - 1)
    (found,) = kind.advance((hour + 1) * HOUR_MS)
    assert (found.first_ms, found.last_ms, found.count) == (hour * HOUR_MS, (hour + 1) * HOUR_MS, 1)
    assert (found.facts["seen"], found.agency) == (USUAL(hour) // 10, "MOH")
    assert found.facts["expected"] == pytest.approx(USUAL(hour), rel=0.02)
    assert float(found.facts["lower_bound"]) < USUAL(hour) / 2
    assert [one.event_id for one in found.evidence] == ["e1"]


def test_half_is_not_too_little_and_the_floor_holds_back_small_gaps() -> None:
    """At the default sensitivity half is borne; a floor bears more."""
    kind = _known("below")
    assert not feed(kind, at(4, 0, 0), at(4, 1, 0), lambda hour: USUAL(hour) // 2)
    kind = _known("below", floor=1_000)
    assert not feed(kind, at(4, 0, 0), at(4, 1, 0), lambda _hour: 0)


def test_a_busy_service_that_stops_is_silent_after_one_hour_until_something_comes() -> None:
    """It is told every hour, night included; `count` is hours."""
    kind = _known("silence")
    feed(kind, at(4, 0, 0), at(4, 0, 10), USUAL)
    found = feed(kind, at(4, 0, 10), at(4, 1, 10), lambda _hour: 0)
    assert len(found) == 24
    assert {one.first_ms for one in found} == {at(4, 0, 10) * HOUR_MS}
    assert [one.facts["empty_hours"] for one in found] == list(range(1, 25))
    assert (found[0].facts["seen"], found[0].count, found[0].agency) == (0, 1, "MOH")
    assert float(found[0].facts["log10_probability"]) < -6
    assert not feed(kind, at(4, 1, 10), at(4, 1, 20), USUAL)


def test_a_quiet_pair_is_silent_only_after_many_empty_hours() -> None:
    """With about two an hour at the busiest times, a morning proves nothing and days do."""
    few = office(0.8)
    kind = BaselineKind(rule("silence"), ZONE)
    assert not feed(kind, at(0, 0, 0), at(6, 0, 0), few)
    found = feed(kind, at(6, 0, 0), at(7, 0, 0), lambda _hour: 0)
    assert found
    assert found[0].last_ms > at(6, 0, 13) * HOUR_MS


def test_a_service_that_has_empty_hours_anyway_is_not_silent_in_one_more() -> None:
    """Every other week its Mondays are empty."""
    kind = BaselineKind(rule("silence"), ZONE)
    quiet_mondays = lambda hour: 0 if (hour - at(0, 0, 0)) % 336 < 24 else USUAL(hour)  # noqa: E731
    feed(kind, at(0, 0, 0), at(7, 0, 0), quiet_mondays)
    assert not feed(kind, at(7, 0, 0), at(7, 0, 5), lambda _hour: 0)


def test_a_service_that_stops_for_good_is_not_told_for_ever() -> None:
    """After some weeks, nothing is what is usual; then the group is forgotten."""
    kind = _known("silence", weeks=8)
    found = feed(kind, at(8, 0, 0), at(20, 0, 0), lambda _hour: 0)
    assert found[-1].last_ms < at(19, 0, 0) * HOUR_MS
    assert len(kind) == 0


def test_on_holidays_nobody_is_missing() -> None:
    """Neither is anything learned: the week after, an empty hour is as strange as before."""
    holiday = frozenset({date(2026, 6, 10)})
    for direction in ("silence", "below"):
        kind = _known(direction, special=holiday)
        feed(kind, at(4, 0, 0), at(4, 2, 0), USUAL)
        assert not feed(kind, at(4, 2, 0), at(4, 3, 0), lambda _hour: 0)
        feed(kind, at(4, 3, 0), at(5, 2, 9), USUAL)
        assert feed(kind, at(5, 2, 9), at(5, 2, 10), lambda _hour: 0)


def test_a_silence_ends_on_a_holiday_on_which_something_came() -> None:
    """Though nothing is judged then: the night after tells of no days that were empty."""
    by_day = lambda hour: 400 if 6 <= (hour - at(0, 0, 0)) % 24 < 22 else 0  # noqa: E731
    kind = BaselineKind(rule("silence", floor=20), ZONE, frozenset({date(2026, 6, 10)}))
    feed(kind, at(0, 0, 0), at(4, 1, 20), by_day)
    assert feed(kind, at(4, 1, 20), at(4, 2, 0), lambda _hour: 0)
    feed(kind, at(4, 2, 0), at(4, 3, 0), by_day)
    assert not feed(kind, at(4, 3, 0), at(4, 4, 0), by_day)


def _several(direction: str, change: float, groups: int = 12, hours: int = 24) -> list[Detection]:
    """All groups change by a factor for some hours after four weeks."""
    kind = BaselineKind(rule(direction), ZONE)
    all_groups: list[Group] = [pair(f"C{number}") for number in range(groups)]
    found: list[Detection] = []
    for hour in range(at(0, 0, 0), at(4, 0, hours)):
        factor = change if hour >= at(4, 0, 0) else 1
        for group in all_groups:
            found += kind.observe_total(group, hour, int(USUAL(hour) * factor), agency="MOH")
        found += close(kind, hour)
    return found


@pytest.mark.parametrize("direction", ["below", "silence"])
def test_when_everybody_does_less_nobody_is_missing(direction: str) -> None:
    """Twelve groups at a twentieth tell of the platform, not of each; three of them would be told."""
    change = 0.05 if direction == "below" else 0
    assert not _several(direction, change)
    assert len({one.group for one in _several(direction, change, groups=3)}) == 3


def test_when_everybody_does_more_nobody_drifts() -> None:
    """A week of 40 % more for all."""
    assert not _several("drift", 1.4, hours=7 * 24)
    assert _several("drift", 1.4, groups=3, hours=7 * 24)


def test_a_rise_by_a_third_is_found_within_days_and_a_bulk_hour_is_none() -> None:
    """It is told from the end of a day on, with the excess so far."""
    more = lambda hour: int(USUAL(hour) * 1.33)  # noqa: E731
    found = feed(_known("drift"), at(4, 0, 0), at(4, 5, 0), more)
    assert found
    assert at(4, 2, 0) * HOUR_MS <= found[0].last_ms <= at(4, 5, 0) * HOUR_MS
    assert float(found[0].facts["cumulative_sum"]) > 5 == found[0].facts["decision_interval"]
    assert float(found[0].facts["excess"]) > 0
    bulk = lambda hour: USUAL(hour) * (30 if hour == at(4, 0, 9) else 1)  # noqa: E731
    assert not feed(_known("drift"), at(4, 0, 0), at(5, 0, 0), bulk)


def test_a_drift_ends_when_the_rise_does() -> None:
    """Within three days."""
    kind = _known("drift", weeks=8)
    assert feed(kind, at(8, 0, 0), at(9, 0, 0), lambda hour: int(USUAL(hour) * 1.5))
    feed(kind, at(9, 0, 0), at(9, 3, 0), USUAL)
    assert not feed(kind, at(9, 3, 0), at(10, 0, 0), USUAL)
