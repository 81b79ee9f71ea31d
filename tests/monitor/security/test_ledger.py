"""The ledger of security events: what is counted, under which names, and what goes on to the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from monitor.events.pseudonym import WITHHELD, Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent, decode_one_security
from monitor.ledger.changes import GapKey
from monitor.ledger.partition import MAX_GAPS
from monitor.security.changes import CountKey
from tests.builders import MOMENT, Arrived, ms
from tests.monitor.events.security_bodies import audit_line, event
from tests.monitor.security.parts import KEY, NOW, ledger_of

HOUR = int(MOMENT.timestamp()) // 3600 * 3600


def test_an_event_is_counted_and_goes_on() -> None:
    """With its time in milliseconds, where it stood, and pseudonyms instead of people."""
    ledger = ledger_of()
    ledger.feed(event(actor="officer-17", subject="001090012345", detail={"user": "x"}))
    changes = ledger.take()
    assert {key: one.count for key, one in changes.counts.items()} == {
        CountKey(HOUR, "MOH", "sign_in_failed", 2): 1
    }
    ((accepted, time_ms),) = changes.accepted
    assert (time_ms, changes.offsets, changes.events) == (ms(MOMENT), [0], 1)
    pseudonyms = Pseudonyms(KEY)
    assert accepted.actor == pseudonyms.of_value("officer-17")
    assert accepted.subject == pseudonyms.of_value("001090012345")
    assert accepted.detail == {"user": pseudonyms.of_value("x")}
    assert accepted.time == MOMENT
    assert changes.held_bytes > 0
    assert ledger.changes.accepted == []


def test_without_a_key_people_are_withheld_and_counted() -> None:
    """And so are values that are left out of details."""
    ledger = ledger_of(None)
    ledger.feed(event(actor="officer-17", detail={"message": "he did it", "item": "a"}))
    changes = ledger.take()
    assert (changes.accepted[0][0].actor, changes.accepted[0][0].detail) == (WITHHELD, {"item": "a"})
    assert (changes.withheld, changes.dropped) == (1, 1)


def test_the_registry_says_whose_an_event_is() -> None:
    """By its present code, whatever code it came with; the first name that it knows."""
    ledger = ledger_of()
    foreign = decode_one_security(audit_line(server="VN/GOV/M5/SS1", agency="Portal"), ())
    assert isinstance(foreign, SecurityEvent)
    ledger.feed(event(id="1"), event(id="2", agency="GOV-M5"), foreign, event(id="4", agency="NOBODY"))
    agencies = [accepted.agency for accepted, _ in ledger.changes.accepted]
    assert agencies == ["MOH", "MOH", "MOH", "unregistered"]
    assert all(accepted.claims == () for accepted, _ in ledger.changes.accepted)
    assert ledger.changes.gaps == {GapKey("agency", "NOBODY"): 1}


def test_a_name_that_may_be_a_persons_is_no_gap() -> None:
    """Accounts are often named after a mailbox."""
    ledger = ledger_of()
    ledger.feed(event(agency="binh@moh.example"), event(id="2", agency="unregistered"))
    ((key, count),) = ledger.changes.gaps.items()
    assert (key.name, count) == (Pseudonyms(KEY).of_value("binh@moh.example"), 1)


def test_gaps_are_bounded() -> None:
    """A flood of names beyond counts under one."""
    ledger = ledger_of()
    ledger.feed(*(event(id=str(number), agency=f"X{number}") for number in range(MAX_GAPS + 10)))
    assert len(ledger.changes.gaps) == MAX_GAPS + 1
    assert ledger.changes.gaps[GapKey("agency", "(others)")] == 10


def test_kinds_that_are_not_listed_count_as_other_and_keep_their_name() -> None:
    """The count is bounded; the event is not changed."""
    ledger = ledger_of()
    ledger.feed(event(kind="coffee_spilt"))
    assert list(ledger.changes.counts) == [CountKey(HOUR, "MOH", "other", 2)]
    assert ledger.changes.accepted[0][0].kind == "coffee_spilt"


def test_what_comes_again_is_not_added() -> None:
    """It is counted as a duplicate, and goes no further."""
    ledger = ledger_of()
    ledger.feed(event(), event(id="SE-2"))
    ledger.feed(event(), event(agency="MPS"))
    counted = {key.agency: (one.count, one.duplicates) for key, one in ledger.changes.counts.items()}
    assert counted == {"MOH": (2, 1), "MPS": (0, 1)}
    assert [accepted.id for accepted, _ in ledger.changes.accepted] == ["SE-1", "SE-2"]


@pytest.mark.parametrize(
    ("lag", "reason"),
    [
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, milliseconds=-1), Reason.IN_FUTURE),
        (timedelta(days=90), None),
        (timedelta(days=90, milliseconds=1), Reason.TOO_OLD),
    ],
)
def test_times_are_checked_against_the_arrival(lag: timedelta, reason: Reason | None) -> None:
    """As those of exchanges are; a lying broker clock cannot make the future past."""
    one = event(time=(MOMENT - lag).isoformat())
    for now in (MOMENT, NOW):
        ledger = ledger_of()
        ledger.fold([one], Arrived(1, at=MOMENT), now)
        assert list(ledger.changes.rejected) == ([reason] if reason else [])
        assert ledger.changes.events == 1
    ahead = event(time=(MOMENT + timedelta(hours=1)).isoformat())
    ledger = ledger_of()
    ledger.fold([ahead], Arrived(1, at=MOMENT + timedelta(days=1)), MOMENT)
    assert list(ledger.changes.rejected) == [Reason.IN_FUTURE]


@pytest.mark.parametrize(
    "time", [1e300, -1e300, 2**62, "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"]
)
def test_times_beyond_the_calendar_are_rejected(time: float | str) -> None:
    """And are no error of the program."""
    ledger = ledger_of()
    ledger.feed(event(time=time), at=MOMENT)
    assert ledger.changes.accepted == []
    assert sum(ledger.changes.rejected.values()) == 1


def test_epoch_milliseconds_and_offsets_are_one_time() -> None:
    """Whatever form it came in, it goes on in UTC."""
    local = MOMENT.astimezone(timezone(timedelta(hours=7)))
    ledger = ledger_of()
    ledger.feed(event(id="1", time=ms(MOMENT)), event(id="2", time=local.isoformat()), at=MOMENT)
    assert [accepted.time for accepted, _ in ledger.changes.accepted] == [MOMENT, MOMENT]
    times = [accepted.time for accepted, _ in ledger.changes.accepted]
    assert all(isinstance(time, datetime) and time.tzinfo is UTC for time in times)


def test_late_is_behind_the_newest_by_more_than_the_setting() -> None:
    """Five minutes; it counts in its own hour."""
    ledger = ledger_of()
    for number, lag in enumerate((0, 300, 301)):
        time = MOMENT - timedelta(seconds=lag)
        ledger.feed(event(id=str(number), time=time.isoformat()), at=MOMENT)
    (counted,) = ledger.changes.counts.values()
    assert (counted.count, counted.late, counted.last_time) == (3, 1, MOMENT)


def test_what_was_counted_before_is_passed_over() -> None:
    """After a seek backwards."""
    ledger = ledger_of()
    ledger.feed(event(id="1"), Rejection(Reason.EMPTY, "why"))
    ledger.fold([event(id="1"), Rejection(Reason.EMPTY, "why"), event(id="3")], Arrived(3, first=0), MOMENT)
    assert ledger.changes.events == 3
    assert ledger.changes.rejections == [(1, Rejection(Reason.EMPTY, "why"))]
    assert ledger.changes.offsets == [0, 2]


def test_ids_are_forgotten_by_events_and_offsets_alone() -> None:
    """After the window of event time, or when there are too many; never by the clock."""
    ledger = ledger_of(dedupe_max_ids=1000)
    ledger.feed(*(event(id=str(number)) for number in range(1500)))
    assert ledger.ids.shortened == 2
    assert len(ledger.ids.seen) <= 1000
    for number, hours in enumerate((0, 1, 2, 3)):
        time = MOMENT + timedelta(hours=hours, minutes=10)
        ledger.feed(event(id=f"h{number}", time=time.isoformat()))
    assert ledger.ids.seen == {"h2", "h3"}
