"""The 72-hour clock: when it runs, how long it has, and what it tells."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.clock import (
    CLOCK_RULES,
    NOTIFY_WITHIN,
    THRESHOLDS,
    clock_detections,
    clock_groups,
    hours_left,
    runs,
)
from alerts.incidents.model import Incident
from alerts.model import RISK_BANDS
from tests.alerts.incidents.parts import HOUR, incident
from tests.builders import MOMENT, ms

SECOND = timedelta(seconds=1)


def told(one: Incident, now: datetime) -> list[int]:
    """The thresholds told at a moment, as hours left."""
    return [int(detection.facts["within_hours"]) for detection in clock_detections([one], now)]


def test_a_notice_is_due_seventy_two_hours_after_detection() -> None:
    """Law 91/2025, whatever the zone in which the detection is written."""
    assert timedelta(hours=72) == NOTIFY_WITHIN
    local = MOMENT.astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    assert incident(detected_at=local).due_at == MOMENT + timedelta(days=3)
    assert hours_left(incident(detected_at=local), MOMENT) == 72


def test_a_change_of_the_clocks_between_is_no_hour_more_or_less() -> None:
    """Hours are hours: where the clocks went back on 25 October 2026, the notice is due an hour earlier by
    the wall."""
    zone = ZoneInfo("Europe/Tallinn")
    detected = datetime(2026, 10, 24, 12, 0, tzinfo=zone).astimezone(UTC)
    assert incident(detected_at=detected).due_at.astimezone(zone).hour == 11


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(48, [48]), (24, [48, 24]), (6, [48, 24, 6]), (0, [48, 24, 6, 0])],
)
def test_a_threshold_is_told_at_its_moment_and_not_a_second_before(hours: int, expected: list[int]) -> None:
    """Exactly so many hours left counts as reached."""
    one = incident()
    moment = one.due_at - hours * HOUR
    assert told(one, moment) == expected
    assert told(one, moment - SECOND) == expected[:-1]


def test_nothing_is_told_at_first_and_nothing_more_when_long_overdue() -> None:
    """72 hours left are no threshold; a year late there are still four alerts."""
    assert told(incident(), MOMENT) == []
    assert told(incident(), MOMENT + timedelta(days=365)) == list(THRESHOLDS)


@pytest.mark.parametrize(("warned", "expected"), [(None, [48, 24, 6]), (48, [24, 6]), (24, [6]), (6, [])])
def test_what_was_told_is_not_told_again(warned: int | None, expected: list[int]) -> None:
    """`warned` is the last threshold that was."""
    assert told(incident(warned=warned), MOMENT + 70 * HOUR) == expected


@pytest.mark.parametrize(
    ("changes", "running"),
    [
        ({}, True),
        ({"personal_data": "unknown"}, True),
        ({"personal_data": "no"}, False),
        ({"status": "notified"}, False),
        ({"status": "closed"}, False),
        ({"status": "not-notifiable"}, False),
    ],
)
def test_the_clock_runs_until_somebody_notifies_or_decides(changes: dict[str, Any], running: bool) -> None:
    """Not knowing whether personal data are concerned does not stop it."""
    one = incident(**changes)
    assert runs(one) is running
    assert bool(told(one, MOMENT + 73 * HOUR)) is running


@given(st.lists(st.integers(0, 100 * 60), max_size=12))
def test_however_often_the_clock_is_looked_at_each_threshold_comes_once_and_is_the_same(
    minutes: list[int],
) -> None:
    """Looking now and then gives, all in all, what one look at the end gives."""
    one = incident()
    found = []
    for minute in sorted(minutes):
        new = clock_detections([one], MOMENT + timedelta(minutes=minute))
        if new:
            one = replace(one, warned=min(int(detection.facts["within_hours"]) for detection in new))
        found += new
    end = MOMENT + timedelta(minutes=max(minutes, default=0))
    assert found == clock_detections([incident()], end)


def test_a_detection_names_the_incident_the_agency_and_the_moment() -> None:
    """What an alert is made of; its evidence is unique, so that adding it up is safe."""
    one = incident()
    (found,) = clock_detections([one], MOMENT + 30 * HOUR)
    assert (found.rule, found.agency, found.group) == (
        CLOCK_RULES[48].id,
        "MOH",
        (("incident", "INC-2026-0001"),),
    )
    assert (found.first_ms, found.last_ms, found.count) == (
        ms(MOMENT + 24 * HOUR),
        ms(MOMENT + 24 * HOUR),
        1,
    )
    assert found.facts["due"] == one.due_at.isoformat()
    assert (found.rule, found.agency, found.group) in clock_groups(one)


def test_what_was_reached_before_anybody_watched_is_told_as_of_then() -> None:
    """An incident that is recorded 30 hours late, or opened again, alerts with a time that is not past."""
    recorded = MOMENT + 30 * HOUR
    found = clock_detections([incident(running_since=recorded)], MOMENT + 50 * HOUR)
    assert [detection.first_ms for detection in found] == [ms(recorded), ms(MOMENT + 48 * HOUR)]


def test_the_clocks_rules_are_rules_as_others_are() -> None:
    """Fixed ids, both languages, a risk within the level's band, three to six lines of what to do."""
    assert list(CLOCK_RULES) == list(THRESHOLDS)
    assert len({uuid.UUID(info.id) for info in CLOCK_RULES.values()}) == 4
    for info in CLOCK_RULES.values():
        lowest, highest = RISK_BANDS[info.level]
        assert lowest <= info.risk_score <= highest
        assert info.title
        assert info.title_vi
        assert 3 <= len(info.runbook) <= 6
    assert CLOCK_RULES[0].id == "5b0d5e1c-7c61-4a50-9a3c-0d8f6b2e0001"
