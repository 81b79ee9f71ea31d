"""Where windows begin and end, and how they are cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.objectives.windows import RECENT_HOURS, Span, spans, windows_at
from tests.monitor.objectives.making import DAY, HOUR, hour_of

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ZONES = ("Asia/Ho_Chi_Minh", "UTC", "Europe/Tallinn", "America/Santiago", "Pacific/Apia")


def _local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_the_month_begins_at_local_midnight() -> None:
    """17:00 UTC on 30 September is the first hour of October in Hanoi."""
    before, after = (
        windows_at(_local("2026-09-30T23:59:59"), ZONE),
        windows_at(_local("2026-10-01T00:00"), ZONE),
    )
    assert before.month == hour_of("2026-09-01T00:00")
    assert after.month == hour_of("2026-10-01T00:00")
    assert datetime.fromtimestamp(after.month, UTC) == datetime(2026, 9, 30, 17, tzinfo=UTC)
    assert after.month == after.ends - HOUR, "the hour under way is all there is of the month"


def test_thirty_days_end_with_the_hour_under_way() -> None:
    """720 closed hours and the open one: nothing younger than 30 days is left out."""
    windows = windows_at(_local("2026-10-31T15:30"), ZONE)
    assert windows.rolling == hour_of("2026-10-01T15:00")
    assert windows.ends == hour_of("2026-10-31T16:00")
    assert (windows.ends - windows.rolling) // HOUR == 721


def test_closed_days_are_one_span_and_open_hours_one_each() -> None:
    """At 15:30: the day in which the rolling window begins is cut there, and today is hours."""
    cut = spans(windows_at(_local("2026-10-31T15:30"), ZONE), ZONE)
    assert cut[0] == Span(hour_of("2026-10-01T00:00"), hour_of("2026-10-01T15:00"))
    assert cut[1] == Span(hour_of("2026-10-01T15:00"), hour_of("2026-10-02T00:00"))
    assert [span.ends - span.begins for span in cut[2:31]] == [DAY] * 29
    assert [span.ends - span.begins for span in cut[31:]] == [HOUR] * 16


def test_a_day_stays_cut_into_hours_while_its_last_hours_are_recent() -> None:
    """Just after midnight yesterday's hours may still change one by one."""
    midnight = hour_of("2026-10-20T00:00")
    cut = spans(windows_at(_local("2026-10-20T00:10"), ZONE), ZONE)
    assert Span(midnight - HOUR, midnight) in cut
    later = spans(windows_at(_local("2026-10-20T02:10"), ZONE), ZONE)
    assert Span(midnight - DAY, midnight) in later


@given(
    st.integers(1_704_067_200, 1_861_833_600).map(lambda at: datetime.fromtimestamp(at, UTC)),  # 2024 to 2028
    st.sampled_from(ZONES),
)
def test_spans_cover_both_windows_once_and_cross_no_border(now: datetime, name: str) -> None:
    """In zones with and without daylight saving time: no gap, no overlap, one local day each."""
    zone = ZoneInfo(name)
    windows = windows_at(now, zone)
    cut = spans(windows, zone)
    assert cut[0].begins == min(windows.month, windows.rolling)
    assert cut[-1].ends == windows.ends
    assert all(one.ends == after.begins for one, after in pairwise(cut))
    assert {windows.month, windows.rolling} <= {span.begins for span in cut}
    assert all(span.begins < span.ends and span.begins % HOUR == 0 for span in cut)
    for span in cut:
        days = {datetime.fromtimestamp(at, zone).date() for at in range(span.begins, span.ends, HOUR)}
        assert len(days) == 1
    recent = windows.ends - RECENT_HOURS * HOUR
    assert all(span.ends - span.begins == HOUR for span in cut if span.ends > recent)
    assert len(cut) <= 64
    assert datetime.fromtimestamp(windows.ends, UTC) - now <= timedelta(hours=1)


@pytest.mark.parametrize("name", ["Asia/Ho_Chi_Minh", "Europe/Tallinn"])
def test_the_same_day_is_the_same_span_all_day(name: str) -> None:
    """What was summed stays valid: only the day that leaves the window and the open hours change."""
    zone = ZoneInfo(name)
    morning = datetime(2026, 10, 14, 6, tzinfo=UTC)
    first = set(spans(windows_at(morning, zone), zone))
    second = set(spans(windows_at(morning + timedelta(hours=1), zone), zone))
    assert len(first - second) == 1
    assert len(second - first) == 2
