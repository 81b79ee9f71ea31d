"""Duties of an agency as such: to connect, to keep data fresh, to review its shared list."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from monitor.duties.agencies import connect, default_list_review, freshness, months_after
from monitor.duties.facts import LONGEST_LOOK_BACK, LedgerFacts
from monitor.judging.terms import Pair
from tests.builders import agency, agreement, service
from tests.monitor.duties.parts import at, local, only, recorded

MPS = agency("MPS")


@pytest.mark.parametrize(
    ("now", "state", "done", "overdue", "left"),
    [
        ("2026-12-31T23:59", "registered", False, False, 0),
        ("2027-01-01T00:00", "registered", False, True, -1),
        ("2027-01-01", "not-connected", False, True, -1),
        ("2027-01-01", "sandbox", False, True, -1),
        ("2027-01-01", "cleared", False, True, -1),
        ("2027-01-01", "suspended", False, True, -1),
        ("2027-01-01", "live", True, False, None),
        ("2026-11-01", "not-connected", False, False, 60),
    ],
)
def test_an_agency_must_be_live_by_its_deadline(
    now: str, state: str, done: bool, overdue: bool, left: int | None
) -> None:
    """31 December 2026, that day included."""
    situation = at(now, agencies=[agency("MOH", connection={"state": state})], services=[])
    one = only(list(connect(situation)))
    assert (one.done, one.overdue, one.days_left) == (done, overdue, left)
    assert one.due == local("2027-01-01T00:00")


def test_live_without_clearance_is_not_enough_and_dormant_is() -> None:
    """The state is what it is; the duty asks for both."""
    unconnected = [agency("MOH", connection={"state": "not-connected"})]
    events = [recorded("went_live", "2026-05-01")]
    uncleared = at("2027-01-02", events=events, agencies=unconnected, services=[])
    assert only(list(connect(uncleared))).overdue
    cleared = at(
        "2027-01-02", events=[*events, recorded("cleared", "2026-06-01")], agencies=unconnected, services=[]
    )
    assert only(list(connect(cleared))).done
    silent = LedgerFacts(observed_since=local("2026-01-01"))
    dormant = at("2027-01-02", facts=silent, agencies=[agency("MOH")], services=[])
    assert dormant.standings["MOH"].state == "dormant"
    assert only(list(connect(dormant))).done


@pytest.mark.parametrize(
    ("events", "late"),
    [
        ([("went_live", "2026-12-01"), ("cleared", "2027-03-01")], True),
        ([("cleared", "2026-10-01"), ("went_live", "2026-11-01"), ("went_live", "2027-03-05")], False),
        (
            [
                ("cleared", "2026-10-01"),
                ("went_live", "2026-11-01"),
                ("suspended", "2027-02-01"),
                ("resumed", "2027-03-01"),
            ],
            False,
        ),
        (
            [
                ("went_live", "2026-11-01"),
                ("suspended", "2026-12-01"),
                ("cleared", "2026-12-15"),
                ("resumed", "2027-03-01"),
            ],
            True,
        ),
        (
            [
                ("cleared", "2026-10-01"),
                ("went_live", "2026-11-01"),
                ("sandboxed", "2026-12-01"),
                ("cleared", "2027-02-01"),
                ("went_live", "2027-03-01"),
            ],
            True,
        ),
    ],
    ids=["cleared-late", "told-again", "suspended-later", "cleared-while-suspended", "withdrawn"],
)
def test_it_is_done_when_the_agency_was_first_both_live_and_cleared(
    events: list[tuple[str, str]], late: bool
) -> None:
    """What came later makes nobody late, and what came late is not hidden by what came before."""
    agencies = [agency("MOH", connection={"state": "not-connected"})]
    told = [recorded(kind, time) for kind, time in events]
    one = only(list(connect(at("2027-03-10", events=told, agencies=agencies, services=[]))))
    assert (one.done, one.late) == (True, late)


def test_who_went_live_after_the_deadline_was_late() -> None:
    """It counts against it as long as it is listed."""
    agencies = [agency("MOH", connection={"state": "live", "since": "2027-01-05"})]
    one = only(list(connect(at("2027-02-01", agencies=agencies, services=[]))))
    assert (one.done, one.late, one.on_time) == (True, True, False)


def test_the_deadline_can_be_another_for_an_agency_also_under_a_former_code() -> None:
    """And it binds the kinds of agencies that the file names."""
    agencies = [
        agency("MOH", previous_codes=["GOV-M5"], connection={"state": "sandbox"}),
        agency("BANK", kind="other"),
    ]
    rules = {"connect": {"deadlines": {"GOV-M5": "2027-06-30"}}}
    one = only(list(connect(at("2027-02-01", agencies=agencies, services=[], rules=rules))))
    assert (one.agency, one.overdue, one.due) == ("MOH", False, local("2027-07-01T00:00"))


SYNC = service("population.sync-changes", method="sync", objectives={"frequency": "P1D"})
PAIR = Pair("MPS", "MOH", "population.sync-changes")


def synchronised(now: str, last: str | None, observed: str | None = "2026-03-01", **given: Any) -> Any:
    """The situation of a service that is agreed to be synchronised daily, and was last then."""
    facts = LedgerFacts(
        observed_since=local(observed) if observed else None,
        last_answer={} if last is None else {PAIR: local(last)},
        last_exchange={"MPS": local(now), "MOH": local(now)},
    )
    given = {"services": [SYNC], "agreements": [agreement(service=PAIR.service)], **given}
    return at(now, *given.pop("agreements"), facts=facts, **given)


@pytest.mark.parametrize(
    ("now", "last", "overdue"),
    [
        ("2026-05-02T11:59", "2026-05-01", False),
        ("2026-05-02T12:00", "2026-05-01", True),
        ("2026-03-02T11:59", None, False),  # counted from when anything was
        ("2026-03-02T12:00", None, True),
    ],
)
def test_a_synchronised_service_past_its_frequency_is_overdue(
    now: str, last: str | None, overdue: bool
) -> None:
    """To the minute, from the last answer."""
    one = only(list(freshness(synchronised(now, last))))
    assert (one.agency, one.subject, one.overdue) == ("MPS", PAIR.service, overdue)


def test_while_nothing_is_counted_nothing_is_known() -> None:
    """There is the duty, and no time at which it is due."""
    one = only(list(freshness(synchronised("2026-05-01", None, observed=None))))
    assert (one.due, one.overdue, one.days_left) == (None, False, None)


def test_the_agreement_that_is_behind_first_decides() -> None:
    """Each counts for itself, with its own frequency where it has one."""
    weekly = agreement("AGR-2", consumer="VSS", service=PAIR.service, objectives={"frequency": "P7D"})
    agreements = [agreement(service=PAIR.service), weekly]
    one = only(list(freshness(synchronised("2026-05-02T13:00", "2026-05-02", agreements=agreements))))
    assert one.overdue  # VSS, which never had any; since 1 March
    first = only(list(freshness(synchronised("2026-03-03", "2026-03-02T13:00", agreements=agreements))))
    assert first.due == local("2026-03-03T13:00")


def test_a_new_version_does_not_make_old_data_fresh() -> None:
    """The last answer counts, whenever the version began."""
    versions = [
        agreement(service=PAIR.service, ended="2026-04-30"),
        agreement(version=2, service=PAIR.service, start="2026-05-01"),
    ]
    assert only(list(freshness(synchronised("2026-05-01T13:00", "2026-04-20", agreements=versions)))).overdue


def test_nothing_is_owed_to_who_cannot_take_it() -> None:
    """Nor by queries, nor without an agreement in force, nor where the ledger is not read back so far."""
    off = [MPS, agency("MOH", connection={"state": "suspended"}), agency("VSS")]
    assert list(freshness(synchronised("2026-05-02", None, agencies=off))) == []
    query = service(PAIR.service)
    assert list(freshness(synchronised("2026-05-02", None, services=[query]))) == []
    assert list(freshness(synchronised("2027-05-02", None))) == []
    rare = service(PAIR.service, method="sync", objectives={"frequency": f"P{LONGEST_LOOK_BACK.days}D"})
    assert list(freshness(synchronised("2026-05-02", None, services=[rare]))) == []


@pytest.mark.parametrize(
    ("reviews", "due"),
    [
        ([], "2027-01-02T00:00"),  # six months after the day from which they are counted
        (["2026-10-15"], "2027-04-16T00:00"),
        (["2026-08-31"], "2027-03-01T00:00"),  # February has no 31st
        (["2026-08-01", "2026-10-15"], "2027-04-16T00:00"),
        (["2025-01-01"], "2027-01-02T00:00"),
    ],
)
def test_the_shared_list_is_reviewed_every_six_months(reviews: list[str], due: str) -> None:
    """Counted from the last review."""
    events = [recorded("reviewed", time, "MPS") for time in reviews]
    found = {one.agency: one for one in default_list_review(at("2026-11-01", events=events))}
    assert found["MPS"].due == local(due)
    assert [found["VSS"].due, sorted(found)] == [local("2027-01-02T00:00"), ["MPS", "VSS"]]


def test_a_list_that_was_not_reviewed_is_overdue() -> None:
    """From the day after; reviews of agreements and of services are not the list's."""
    events = [
        recorded("reviewed", "2026-12-01", "MPS", agreement="AGR-1"),
        recorded("reviewed", "2026-12-01", "MPS", service="population.verify-identity"),
    ]
    for now, overdue in (("2027-01-01T23:59", False), ("2027-01-02T00:00", True)):
        found = {one.agency: one for one in default_list_review(at(now, events=events))}
        assert found["MPS"].overdue is overdue


def test_a_review_can_bring_the_next_forward_and_not_put_it_off() -> None:
    """At least every six months is the rule."""
    for named, due in (("2027-02-01", "2027-02-02T00:00"), ("2028-01-01", "2027-04-16T00:00")):
        events = [recorded("reviewed", "2026-10-15", "MPS", due=named)]
        found = {one.agency: one for one in default_list_review(at("2026-11-01", events=events))}
        assert found["MPS"].due == local(due)


def test_a_new_provider_has_six_months_from_its_first_service() -> None:
    """It cannot review what it does not share yet."""
    services = [service(since="2026-10-01"), service("insurance.x", provider="VSS", since="2020-01-01")]
    found = {one.agency: one for one in default_list_review(at("2026-11-01", services=services))}
    assert found["MPS"].due == local("2027-04-02T00:00")
    assert found["VSS"].due == local("2027-01-02T00:00")


def test_months_end_where_they_end() -> None:
    """The last day stands for one that a month lacks."""
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2027, 8, 31), 6) == date(2028, 2, 29)
    assert months_after(date(2026, 12, 1), 1) == date(2027, 1, 1)
