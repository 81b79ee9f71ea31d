"""Reviews and renewals by date: what is owed, by whom, and what settles it."""

from __future__ import annotations

import pytest

from monitor.duties.agreements import expiry, review
from monitor.lifecycle.recorded import Recorded
from tests.builders import agency, agreement
from tests.monitor.duties.parts import at, local, only, recorded
from tests.monitor.registry.writing import Values

REVIEWED_BY_OCTOBER = agreement(dates={"review": "2026-10-01"})


@pytest.mark.parametrize(
    ("now", "overdue", "left"),
    [("2026-09-01", False, 30), ("2026-10-01T23:59", False, 0), ("2026-10-02T00:00", True, -1)],
)
def test_a_review_is_owed_by_its_day(now: str, overdue: bool, left: int) -> None:
    """The day itself is in time; the provider owes it."""
    one = only(list(review(at(now, REVIEWED_BY_OCTOBER))))
    assert (one.agency, one.subject, one.overdue, one.days_left) == ("MPS", "AGR-1", overdue, left)
    assert one.due == local("2026-10-02T00:00")


def test_without_a_review_date_none_is_owed() -> None:
    """And drafts, what has not begun, what has ended and what was terminated from its start owe none."""
    dates: Values = {"dates": {"review": "2026-02-01"}}
    assert list(review(at("2026-06-01", agreement()))) == []
    assert list(review(at("2026-06-01", agreement(status="draft", **dates)))) == []
    assert list(review(at("2026-06-01", agreement(status="terminated", **dates)))) == []
    assert list(review(at("2026-06-01", agreement(status="terminated", ended="2026-06-30", **dates))))
    assert list(review(at("2025-06-01", agreement(**dates)))) == []
    assert list(review(at("2027-06-01", agreement(**dates)))) == []


def test_of_a_superseded_version_nothing_is_overdue() -> None:
    """A newer version in force has dates of its own."""
    first = agreement(ended="2026-06-15", dates={"review": "2026-03-01"})
    second = agreement(version=2, start="2026-06-16", dates={"review": "2027-03-01"})
    items = [*review(at("2026-09-01", first, second)), *expiry(at("2026-09-01", first, second))]
    assert [(one.subject, one.overdue) for one in items] == [("AGR-1", False), ("AGR-1", False)]


@pytest.mark.parametrize(("status", "done"), [("registered", True), ("draft", False)])
def test_a_newer_version_is_a_review_a_draft_is_none(status: str, done: bool) -> None:
    """Also while it is still to start."""
    following = agreement(version=2, start="2027-01-01", end="2027-12-31", status=status)
    one = only(list(review(at("2026-11-01", REVIEWED_BY_OCTOBER, following))))
    assert (one.done, one.overdue) == (done, not done)


@pytest.mark.parametrize(
    ("event", "done", "late"),
    [
        (recorded("reviewed", "2026-09-20", agreement="AGR-1"), True, False),
        (recorded("reviewed", "2026-09-20", "MPS", agreement="AGR-1"), True, False),
        (recorded("reviewed", "2026-10-05", agreement="AGR-1"), True, True),
        (recorded("reviewed", "2026-07-03", agreement="AGR-1"), True, False),  # 90 days before
        (recorded("reviewed", "2026-07-02", agreement="AGR-1"), False, False),  # that was another review
        (recorded("reviewed", "2026-09-20", agreement="AGR-2"), False, False),
        (recorded("reviewed", "2026-09-20"), False, False),  # the list, not the agreement
        (recorded("reviewed", "2026-09-20", "VSS", agreement="AGR-1"), False, False),  # no party
        (recorded("renewed", "2026-09-20", agreement="AGR-1"), False, False),
        (recorded("reviewed", "2026-11-02", agreement="AGR-1"), False, False),  # still to come
    ],
)
def test_what_settles_a_review(event: Recorded, done: bool, late: bool) -> None:
    """A `reviewed` event of either party that names the agreement, near its date or after it."""
    one = only(list(review(at("2026-11-01", REVIEWED_BY_OCTOBER, events=[event]))))
    assert (one.done, one.late, one.overdue) == (done, late, not done)
    assert one.on_time is (done and not late)


def test_a_review_can_name_the_next() -> None:
    """Then that is owed, also where the registry names none."""
    events = [recorded("reviewed", "2026-09-20", agreement="AGR-1", due="2026-11-15")]
    for written in (REVIEWED_BY_OCTOBER, agreement()):
        one = only(list(review(at("2026-11-16T00:00", written, events=events))))
        assert (one.done, one.overdue, one.due) == (False, True, local("2026-11-16T00:00"))
    settled = [*events, recorded("reviewed", "2026-11-10", agreement="AGR-1")]
    assert only(list(review(at("2026-11-16", REVIEWED_BY_OCTOBER, events=settled)))).done


def test_who_owes_it_is_configured() -> None:
    """Reviews the provider, renewals the consumer, unless the file says otherwise."""
    rules = {"review": {"responsible": "consumer"}, "expiry": {"responsible": "provider"}}
    turned = at("2026-09-01", REVIEWED_BY_OCTOBER, rules=rules)
    plain = at("2026-09-01", REVIEWED_BY_OCTOBER)
    assert [only(list(kind(turned))).agency for kind in (review, expiry)] == ["MOH", "MPS"]
    assert [only(list(kind(plain))).agency for kind in (review, expiry)] == ["MPS", "MOH"]


# It ends on 31 December 2026.
@pytest.mark.parametrize(
    ("now", "left", "level", "overdue"),
    [
        ("2026-11-01", 60, 60, False),
        ("2026-10-31", 61, None, False),
        ("2026-12-01", 30, 30, False),
        ("2026-11-30", 31, 60, False),
        ("2026-12-24", 7, 7, False),
        ("2026-12-23", 8, 30, False),
        ("2026-12-31T23:59", 0, 7, False),
        ("2027-01-01T00:00", -1, 0, True),
        ("2028-01-01", -366, 0, True),
    ],
)
def test_notice_is_given_at_60_30_and_7_days_and_after_the_end(
    now: str, left: int, level: int | None, overdue: bool
) -> None:
    """On the local day, whatever the hour; the last day is in time."""
    one = only(list(expiry(at(now, agreement()))))
    assert (one.agency, one.days_left, one.level, one.overdue) == ("MOH", left, level, overdue)


@pytest.mark.parametrize(
    ("following", "done"),
    [
        (agreement(version=2, start="2027-01-01", end="2027-12-31"), True),
        (agreement("AGR-2", start="2027-02-01", end="2027-12-31", status="registered"), True),
        (agreement(version=2, start="2027-01-01", end="2027-12-31", status="draft"), False),
        (agreement(version=2, start="2027-01-01", end="2027-12-31", status="terminated"), False),
        (agreement("AGR-2", consumer="VSS", start="2027-01-01", end="2027-12-31"), False),
    ],
)
def test_what_follows_in_the_registry_renews_it(following: Values, done: bool) -> None:
    """Another version or agreement of the same pair, agreed and not only drafted."""
    items = {one.subject: one for one in expiry(at("2026-12-20", agreement(), following))}
    assert items["AGR-1"].done is done
    assert items["AGR-1"].level == (None if done else 30)


@pytest.mark.parametrize(
    ("event", "done", "left"),
    [
        (recorded("renewed", "2026-12-01", agreement="AGR-1"), True, None),
        (recorded("renewed", "2026-12-01", agreement="AGR-1", due="2027-06-30"), False, 192),
        (recorded("renewed", "2026-02-01", agreement="AGR-1"), False, 11),  # long ago, for another end
        (recorded("renewed", "2026-02-01", agreement="AGR-1", due="2027-06-30"), False, 192),
        (recorded("renewed", "2026-12-01", agreement="AGR-1", due="2026-06-30"), False, 11),  # no longer
        (recorded("renewed", "2026-12-01", "VSS", agreement="AGR-1"), False, 11),
    ],
)
def test_what_events_tell_of_a_renewal(event: Recorded, done: bool, left: int | None) -> None:
    """With its new end, or near the old one; by a party."""
    one = only(list(expiry(at("2026-12-20", agreement(), events=[event]))))
    assert (one.done, one.days_left, one.overdue) == (done, left, False)


def test_what_was_stopped_on_purpose_need_not_be_renewed() -> None:
    """Terminated, suspended, or ended before its time."""
    for stopped in ({"status": "terminated", "ended": "2026-06-30"}, {"ended": "2026-06-30"}):
        assert list(expiry(at("2026-09-01", agreement(**stopped)))) == []
    assert list(expiry(at("2026-09-01", agreement(status="suspended")))) == []


def test_agreements_and_events_count_under_the_present_code() -> None:
    """An agency that was merged owes what the former one owed, and what that did counts for it."""
    agencies = (agency("MPS"), agency("VSS"), agency("MOH", previous_codes=["GOV-M5"]))
    former = agreement(consumer="GOV-M5")
    assert only(list(expiry(at("2026-12-20", former, agencies=agencies)))).agency == "MOH"
