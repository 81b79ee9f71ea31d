"""Requests: the last day to answer, in working days of Vietnam, and what settles them."""

from __future__ import annotations

from datetime import date

import pytest

from monitor.calendar.file import CalendarDays
from monitor.calendar.working import WorkingDays
from monitor.duties.answers import answer
from monitor.duties.assess import Terms, situation
from monitor.duties.facts import LedgerFacts
from monitor.duties.item import last_day
from monitor.lifecycle.recorded import Recorded
from tests.builders import ZONE
from tests.monitor.duties.parts import at, local, only, recorded, terms


def requested(time: str = "2026-02-12", number: str = "YC-1", **fields: str) -> Recorded:
    """A request to MOH: by itself before Tết 2026, whose days off are 16 to 20 February."""
    return recorded("requested", time, request=number, **fields)


@pytest.mark.parametrize(
    ("limit", "last"),
    [
        ("completion", "2026-02-24"),
        ("simple", "2026-02-26"),
        (None, "2026-02-26"),
        ("error_cause", "2026-02-26"),
        ("error_fixed", "2026-03-05"),
        ("error_checked", "2026-03-12"),
        ("complex", "2026-03-19"),
        ("very_large", "2026-04-09"),
    ],
)
def test_limits_are_counted_in_working_days_over_tet(limit: str | None, last: str) -> None:
    """Weekends and the days of Tết do not count, nor does the day of the request; the last counts whole."""
    fields = {} if limit is None else {"limit": limit}
    day = date.fromisoformat(last)
    at_last = only(list(answer(at(f"{last}T23:59", events=[requested(**fields)]))))
    assert at_last.due is not None
    assert (last_day(at_last.due, ZONE), at_last.days_left, at_last.overdue) == (day, 0, False)
    assert at_last.working
    after = at_last.due.astimezone(ZONE).isoformat()[:16]
    assert only(list(answer(at(after, events=[requested(**fields)])))).overdue


@pytest.mark.parametrize(
    ("now", "left", "overdue"),
    [
        ("2026-02-12", 5, False),
        ("2026-02-13", 4, False),
        ("2026-02-18", 4, False),  # in the middle of Tết
        ("2026-02-23", 3, False),
        ("2026-02-26", 0, False),
        ("2026-02-27", -1, True),
        ("2026-03-01", -1, True),  # a Sunday
        ("2026-03-02", -2, True),
    ],
)
def test_days_left_are_working_days(now: str, left: int, overdue: bool) -> None:
    """A holiday takes none of them away."""
    one = only(list(answer(at(now, events=[requested()]))))
    assert (one.days_left, one.overdue) == (left, overdue)


def test_national_day_and_an_exchanged_saturday_count_as_the_calendar_says() -> None:
    """An operator's calendar can make a Saturday a working day."""
    asked = requested("2026-08-28")  # a Friday before the days off around 2 September
    days = CalendarDays(worked=(date(2026, 8, 29),))
    worked = Terms(terms().registry, terms().rules, WorkingDays(days), ZONE)
    dues = []
    for given in (terms(), worked):
        one = only(list(answer(situation(given, [asked], LedgerFacts(), local("2026-08-28")))))
        assert one.due is not None
        dues.append(last_day(one.due, ZONE))
    assert dues[1] < dues[0]
    assert all(given.calendar.between(date(2026, 8, 28), due) == 5
               for given, due in zip((terms(), worked), dues, strict=True))  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "time", "limit", "done", "late"),
    [
        ("answered", "2026-02-26T23:59", "simple", True, False),
        ("answered", "2026-02-27T00:00", "simple", True, True),
        ("corrected", "2026-02-26", "simple", True, False),
        ("answered", "2026-02-12T11:59", "simple", True, False),  # a clock that is behind
        ("answered", "2026-02-20", "error_cause", True, False),
        ("answered", "2026-02-20", "error_fixed", False, False),  # words are no correction
        ("corrected", "2026-02-20", "error_fixed", True, False),
        ("corrected", "2026-02-20", "error_checked", True, False),
    ],
)
def test_what_settles_a_request(kind: str, time: str, limit: str, done: bool, late: bool) -> None:
    """An answer in time, or late; what is to be corrected is settled by a correction alone."""
    events = [requested(limit=limit), recorded(kind, time, request="YC-1")]
    one = only(list(answer(at("2026-02-28", events=events))))
    assert (one.done, one.late) == (done, late)
    assert not one.overdue


def test_of_another_agency_or_number_it_settles_nothing() -> None:
    """Numbers are an agency's own."""
    others = [
        recorded("answered", "2026-02-13", "MPS", request="YC-1"),
        recorded("answered", "2026-02-13", request="YC-2"),
    ]
    assert not only(list(answer(at("2026-02-20", events=[requested(), *others])))).done


def test_a_day_that_is_agreed_wins_over_the_limit() -> None:
    """The one that was named last: parties may agree on more time. The same request again is no other."""
    events = [
        requested(due="2026-02-20"),
        requested("2026-02-13"),
        requested("2026-02-19", due="2026-03-10"),
    ]
    before = only(list(answer(at("2026-02-13T13:00", events=events))))
    after = only(list(answer(at("2026-02-19T13:00", events=events))))
    assert (before.due, after.due) == (local("2026-02-21T00:00"), local("2026-03-11T00:00"))


def test_an_error_has_a_limit_for_each_step() -> None:
    """Its cause, and its correction, under one number."""
    events = [
        requested(limit="error_cause"),
        requested(limit="error_fixed"),
        recorded("answered", "2026-02-25", request="YC-1"),
    ]
    items = list(answer(at("2026-03-06", events=events)))
    assert [(one.done, one.overdue) for one in items] == [(True, False), (False, True)]


def test_what_was_settled_is_listed_for_as_long_as_indicators_look_back() -> None:
    """Thirty days; an open request for ever."""
    events = [
        requested(),
        recorded("answered", "2026-02-20", request="YC-1"),
        requested(number="YC-2"),
    ]
    assert {one.subject for one in answer(at("2026-03-22", events=events))} == {"YC-1", "YC-2"}
    assert {one.subject for one in answer(at("2026-03-23", events=events))} == {"YC-2"}


def test_limits_are_configured() -> None:
    """Also which one holds where a request names none."""
    rules = {"answer": {"completion": 1, "otherwise": "completion"}}
    one = only(list(answer(at("2026-02-12", events=[requested()], rules=rules))))
    assert one.due == local("2026-02-14T00:00")
