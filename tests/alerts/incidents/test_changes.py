"""What desks can do with an incident, and what they cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alerts.incidents.changes import NotPossible, amend, close, differences, hear, notify, reopen
from alerts.incidents.words import Tier
from tests.alerts.incidents.parts import HOUR, incident, report
from tests.builders import MOMENT

NOW = MOMENT + 10 * HOUR


def test_a_notice_that_was_given_is_kept_with_its_time_and_reference() -> None:
    """Given at once, or afterwards recorded."""
    for at in (MOMENT, MOMENT + HOUR, NOW):
        after = notify(incident(), at, "12/CV", NOW)
        assert (after.status, after.notified_at, after.reference) == ("notified", at, "12/CV")


@pytest.mark.parametrize("at", [MOMENT - timedelta(seconds=1), NOW + timedelta(seconds=1)])
def test_a_notice_lies_between_detection_and_now(at: Any) -> None:
    """Anything else is a typing error."""
    with pytest.raises(NotPossible):
        notify(incident(), at, "12/CV", NOW)


@pytest.mark.parametrize("status", ["closed", "not-notifiable"])
def test_of_what_was_settled_without_a_notice_none_is_recorded(status: str) -> None:
    """It is opened again first."""
    with pytest.raises(NotPossible, match="INC-2026-0001"):
        notify(incident(status=status), NOW, "2", NOW)


@pytest.mark.parametrize("status", ["notified", "closed"])
def test_a_notice_that_is_supplemented_stays_one_in_time(status: str) -> None:
    """References add up, each once; what comes before the first notice is a typing error."""
    one = incident(status=status, notified_at=MOMENT + HOUR, reference="12/BC")
    after = notify(one, MOMENT + 2 * HOUR, "13/BC", NOW)
    assert (after.status, after.notified_at, after.reference) == (status, MOMENT + HOUR, "12/BC; 13/BC")
    assert notify(after, MOMENT + 2 * HOUR, "13/BC", NOW) is after
    with pytest.raises(NotPossible, match="supplement"):
        notify(one, MOMENT, "13/BC", NOW)


def test_what_happened_in_vietnamese_goes_when_what_happened_is_put_right() -> None:
    """A notice in Vietnamese shows what was put right then, or what is given in Vietnamese beside it."""
    one = incident(slots={"what_vi": "Trích xuất dữ liệu hàng loạt", "cause": "x"})
    assert amend(one, {"what": "1.200 hồ sơ"}, {}, NOW).slots == {"cause": "x"}
    assert amend(one, {"what": "files"}, {"what_vi": "hồ sơ"}, NOW).slots == {
        "what_vi": "hồ sơ",
        "cause": "x",
    }
    assert amend(one, {"records": 1}, {}, NOW).slots == one.slots
    assert amend(one, {"what": one.what}, {}, NOW).slots == one.slots


@pytest.mark.parametrize("personal_data", ["yes", "unknown"])
def test_a_leak_does_not_end_by_being_put_away(personal_data: str) -> None:
    """Its clock runs until it is notified, or a desk decides that no notice is owed."""
    one = incident(personal_data=personal_data)
    with pytest.raises(NotPossible, match="not-notifiable"):
        close(one, "done", NOW)
    decided = close(one, "test data only", NOW, not_notifiable=True)
    assert (decided.status, decided.reason) == ("not-notifiable", "test data only")
    assert close(notify(one, NOW, "1", NOW), "done", NOW).status == "closed"


def test_without_personal_data_it_is_closed_like_any() -> None:
    """There is nothing to notify."""
    assert close(incident(personal_data="no"), "done", NOW).status == "closed"


def test_what_is_settled_is_not_closed_again_and_a_notice_not_denied() -> None:
    """The reason that stands is not overwritten."""
    for status in ("closed", "not-notifiable"):
        with pytest.raises(NotPossible, match="already"):
            close(incident(status=status), "again", NOW)
    with pytest.raises(NotPossible, match="was notified"):
        close(incident(status="notified"), "no", NOW, not_notifiable=True)


@pytest.mark.parametrize("status", ["notified", "closed", "not-notifiable"])
def test_opened_again_its_clock_is_that_of_its_detection(status: str) -> None:
    """Nobody gains time by closing."""
    one = incident(status=status, notified_at=MOMENT, reference="1", warned=24)
    again = reopen(one, "more was found", NOW)
    assert (again.status, again.notified_at, again.due_at) == ("open", None, one.due_at)
    assert (again.warned, again.running_since) == (None, NOW)
    with pytest.raises(NotPossible, match="is open"):
        reopen(again, "more", NOW)


def test_facts_are_replaced_and_slots_are_added() -> None:
    """An empty text takes a slot away."""
    one = incident(slots={"cause": "unknown", "contact": "soc"})
    after = amend(one, {"records": 7, "tier": Tier.EXTREME}, {"cause": "", "informed": "MPS"}, NOW)
    assert (after.records, after.tier) == (7, Tier.EXTREME)
    assert after.slots == {"contact": "soc", "informed": "MPS"}
    assert after.due_at == one.due_at


def test_another_time_of_detection_moves_the_clock() -> None:
    """But not ahead of now, and not behind the notice."""
    earlier = MOMENT - 5 * HOUR
    after = amend(incident(warned=48), {"detected_at": earlier}, {}, NOW)
    assert (after.due_at, after.warned, after.running_since) == (earlier + 72 * HOUR, None, NOW)
    with pytest.raises(NotPossible, match="still to come"):
        amend(incident(), {"detected_at": NOW + HOUR}, {}, NOW)
    told = incident(status="notified", notified_at=MOMENT + HOUR)
    with pytest.raises(NotPossible, match="notified"):
        amend(told, {"detected_at": MOMENT + 2 * HOUR}, {}, NOW)


def test_personal_data_after_all_start_the_clock_again() -> None:
    """Thresholds that were told before are told again; what ran already, and what is settled, is let be."""
    for before in ("yes", "unknown"):
        off = amend(incident(warned=0, personal_data=before), {"personal_data": "no"}, {}, NOW - HOUR)
        again = amend(off, {"personal_data": "yes"}, {}, NOW)
        assert (again.warned, again.running_since, again.due_at) == (None, NOW, off.due_at)
    running = amend(incident(warned=24, personal_data="unknown"), {"personal_data": "yes"}, {}, NOW)
    assert (running.warned, running.running_since) == (24, MOMENT)
    closed = incident(status="closed", warned=24, personal_data="no")
    assert amend(closed, {"personal_data": "yes"}, {}, NOW).warned == 24


@pytest.mark.parametrize("personal_data", ["no", "unknown"])
@pytest.mark.parametrize("status", ["open", "closed", "not-notifiable"])
def test_a_later_report_of_personal_data_is_believed(status: Any, personal_data: Any) -> None:
    """The clock runs then, also of what was settled; due when it was."""
    one = incident(status=status, personal_data=personal_data, events=("E-1",))
    told = report(personal_data="yes", events=("E-2",), detected_at=NOW)
    after = hear(one, told, NOW)
    assert (after.status, after.personal_data, after.events) == ("open", "yes", ("E-1", "E-2"))
    assert after.due_at == one.due_at
    was_running = status == "open" and personal_data == "unknown"
    assert after.running_since == (MOMENT if was_running else NOW)


@pytest.mark.parametrize("status", ["notified", "closed"])
def test_a_notice_that_was_given_stands_whatever_is_reported_later(status: Any) -> None:
    """Whether it must be told more is for the desk to judge."""
    one = incident(status=status, personal_data="unknown", notified_at=MOMENT, reference="1")
    after = hear(one, report(personal_data="yes"), NOW)
    assert (after.status, after.reference, after.personal_data) == (status, "1", "yes")


@pytest.mark.parametrize("personal_data", ["no", "unknown"])
def test_a_later_report_lowers_nothing(personal_data: Any) -> None:
    """Nor does one that says the same again change anything."""
    for held in (incident(), incident(personal_data="unknown"), incident(status="closed")):
        assert hear(held, report(personal_data=personal_data, events=("E-2",)), NOW) == held
    decided = incident(status="not-notifiable")
    assert hear(decided, report(events=("E-2",)), NOW) == decided


def test_a_field_that_is_none_is_a_defect() -> None:
    """Neither the id nor the status is a fact to amend."""
    for values in ({"status": "closed"}, {"id": "INC-1"}):
        with pytest.raises(KeyError):
            amend(incident(), values, {}, NOW)
    with pytest.raises(KeyError):
        amend(incident(), {}, {"name": "x"}, NOW)


def test_the_audit_trail_gets_what_changed_and_nothing_else() -> None:
    """New values by field."""
    before = incident()
    after = amend(before, {"records": 7, "tier": before.tier}, {}, NOW)
    assert differences(before, after) == {"records": 7}
