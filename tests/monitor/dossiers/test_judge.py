"""What one dossier counts for: on time or not, how long it took, and that a plain walk says the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.dossiers.counts import LAPSES, MEASURES
from monitor.dossiers.judge import counts_of
from monitor.dossiers.state import MOST_TIMES, Dossier, joined, joined_all, of_event
from monitor.events.dossier_event import STEPS, DossierEvent
from tests.builders import MOMENT, ZONE, ms
from tests.monitor.dossiers.parts import TERMS, dossier
from tests.monitor.dossiers.recount import counts


def at(day: str, hour: int = 9) -> datetime:
    """A moment of a local day."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZONE) + timedelta(hours=hour)


def state(*events: DossierEvent) -> Dossier:
    """What steps say together."""
    said = []
    for one in events:
        assert isinstance(one.time, datetime)
        said.append(of_event(one, ms(one.time)))
    return joined_all(said)


def counted(*events: DossierEvent) -> dict[tuple[str, str], int]:
    """What a dossier of these steps counts for, by day as it is written."""
    found = counts_of(state(*events), TERMS)
    return {(date.fromordinal(day).isoformat(), measure): count for (day, measure), count in found.items()}


def verdict(*events: DossierEvent) -> tuple[str, str] | None:
    """When it was decided whether it is on time, and how."""
    found = [key for key in counted(*events) if key[1] in ("on_time", "late", "lapsed", "unmeasured")]
    assert len(found) <= 1
    return found[0] if found else None


RECEIVED = dossier("received", at("2026-10-05"), promised="2026-10-12")


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        ("2026-10-05", ("2026-10-05", "on_time")),
        ("2026-10-12", ("2026-10-12", "on_time")),  # the last day counts as a whole
        ("2026-10-13", ("2026-10-12", "lapsed")),  # decided when the day ended, not when it was done
    ],
)
def test_a_dossier_is_on_time_to_the_end_of_its_last_day(done: str, expected: tuple[str, str]) -> None:
    """And is decided once, in the period in which it could first be told."""
    assert verdict(RECEIVED, dossier("completed", at(done, 23))) == expected


def test_an_open_dossier_lapses_when_its_day_ends() -> None:
    """Nothing must come for it: what lapses is counted ahead, and read only once the day is over."""
    assert verdict(RECEIVED) == ("2026-10-12", "lapsed")
    assert {"lapsed", "complaints_lapsed"} == LAPSES < set(MEASURES)


def test_a_last_day_that_is_not_worked_is_the_next_that_is() -> None:
    """A Sunday becomes Monday; the first day of Tet becomes the first worked day after it."""
    sunday = dossier("received", at("2026-10-05"), promised="2026-10-11")
    assert verdict(sunday, dossier("completed", at("2026-10-12"))) == ("2026-10-12", "on_time")
    tet = dossier("received", at("2026-02-09"), promised="2026-02-17")
    assert TERMS.calendar.add(date(2026, 2, 17), 0) == date(2026, 2, 23)
    assert verdict(tet, dossier("completed", at("2026-02-23"))) == ("2026-02-23", "on_time")
    assert verdict(tet) == ("2026-02-23", "lapsed")


def test_days_of_tet_are_no_handling_time() -> None:
    """From the Monday before to the Tuesday after: six working days, and not fifteen."""
    received = dossier("received", at("2026-02-09"), promised="2026-03-31")
    found = counted(received, dossier("completed", at("2026-02-24")))
    assert found["2026-02-24", "handling_days"] == TERMS.calendar.between(date(2026, 2, 9), date(2026, 2, 24))
    assert found["2026-02-24", "handling_days"] == 6


ASKED = dossier("supplement_requested", at("2026-10-07"))


def test_waiting_for_the_applicant_puts_the_last_day_off_by_working_days() -> None:
    """Wednesday to next Tuesday are four working days: Monday the 12th becomes Friday the 16th."""
    given_ = dossier("supplemented", at("2026-10-13"))
    for done, expected in (("2026-10-16", "on_time"), ("2026-10-19", "lapsed")):
        found = verdict(RECEIVED, ASKED, given_, dossier("completed", at(done)))
        assert found == ("2026-10-16", expected)
    days = counted(RECEIVED, ASKED, given_, dossier("completed", at("2026-10-16")))
    assert days["2026-10-16", "handling_days"] == 9 - 4


def test_a_supplement_after_the_completion_was_not_waited_for_beyond_it() -> None:
    """Asked on Wednesday, completed on Friday: two working days were waited, whenever it was brought."""
    done = dossier("completed", at("2026-10-09"))
    for brought in ("2026-10-12", "2026-12-01"):
        found = counted(RECEIVED, ASKED, done, dossier("supplemented", at(brought)))
        assert found["2026-10-09", "handling_days"] == 4 - 2


def test_while_it_waits_nothing_lapses() -> None:
    """However long; and completed without a supplement it was waiting to the end."""
    assert verdict(RECEIVED, ASKED) is None
    assert verdict(RECEIVED, ASKED, dossier("completed", at("2027-03-01"))) == ("2027-03-01", "on_time")


def test_a_second_request_for_supplements_is_late() -> None:
    """On the day it was made, whatever comes after; but not once the dossier has lapsed."""
    second = dossier("supplement_requested", at("2026-10-09"))
    given_ = dossier("supplemented", at("2026-10-08"))
    done = dossier("completed", at("2026-10-09", 23))
    assert verdict(RECEIVED, ASKED, given_, second, done) == ("2026-10-09", "late")
    assert verdict(RECEIVED, ASKED, second) == ("2026-10-09", "late")
    after = dossier("supplement_requested", at("2026-10-20"))
    assert verdict(RECEIVED, ASKED, given_, after) == ("2026-10-13", "lapsed")


def test_a_request_after_the_last_day_excuses_nothing() -> None:
    """It had lapsed before."""
    late = dossier("supplement_requested", at("2026-10-13"))
    assert verdict(RECEIVED, late, dossier("supplemented", at("2026-10-20"))) == ("2026-10-12", "lapsed")


def test_a_dossier_completed_before_it_was_received_is_not_measured() -> None:
    """It is counted as completed, lowers the coverage of what is on time, and has no handling time."""
    found = counted(RECEIVED, dossier("completed", at("2026-10-02")))
    assert found == {
        ("2026-10-05", "received"): 1,
        ("2026-10-02", "completed"): 1,
        ("2026-10-02", "unmeasured"): 1,
    }


@pytest.mark.parametrize("promised", [None, "2026-10-04"])
def test_without_a_promise_that_makes_sense_it_is_not_measured(promised: str | None) -> None:
    """Nothing was promised, or a day before it was received: never late, and once completed, unmeasured."""
    received = dossier("received", at("2026-10-05"), promised=promised)
    assert verdict(received) is None
    found = counted(received, dossier("completed", at("2026-10-08")))
    assert found["2026-10-08", "unmeasured"] == 1
    assert found["2026-10-08", "handling_days"] == 3


def test_completed_without_ever_being_received_is_not_measured() -> None:
    """And has no handling time; what else is known of it counts."""
    done = dossier("completed", at("2026-10-08"), digitised=True)
    found = counted(done, dossier("reused", at("2026-10-07")))
    assert found == {("2026-10-08", name): 1 for name in ("completed", "unmeasured", "digitised", "reused")}


def test_a_withdrawn_dossier_is_neither_on_time_nor_late() -> None:
    """Unless it had lapsed; a completion after it changes nothing."""
    withdrawn = dossier("withdrawn", at("2026-10-09"))
    assert verdict(RECEIVED, withdrawn, dossier("completed", at("2026-10-20"))) is None
    assert verdict(RECEIVED, dossier("withdrawn", at("2026-10-13"))) == ("2026-10-12", "lapsed")


def test_complaints_have_fifteen_working_days() -> None:
    """From the day after; the national day in between is not worked. Answers go to complaints in turn."""
    complained = dossier("complaint_received", at("2026-08-17"))
    last = TERMS.calendar.add(date(2026, 8, 17), 15)
    assert last == date(2026, 9, 9)
    answered = dossier("complaint_answered", at("2026-09-09", 23))
    assert counted(complained, answered) == {("2026-09-09", "complaints_on_time"): 1}
    too_late = dossier("complaint_answered", at("2026-09-10"))
    assert counted(complained, too_late) == {("2026-09-09", "complaints_lapsed"): 1}
    again = dossier("complaint_received", at("2026-08-18"))
    assert counted(complained, again, answered) == {
        ("2026-09-09", "complaints_on_time"): 1,
        ("2026-09-10", "complaints_lapsed"): 1,
    }


def test_the_last_rating_and_the_first_payment_count() -> None:
    """Each in its own period, whenever the dossier was received."""
    found = counted(
        dossier("paid", at("2026-10-05"), paid_online=True),
        dossier("paid", at("2026-11-05")),
        dossier("rated", at("2026-11-01"), rating=5),
        dossier("rated", at("2026-12-01"), rating=3),
    )
    assert found == {
        ("2026-10-05", "paid"): 1,
        ("2026-10-05", "paid_online"): 1,
        ("2026-12-01", "rated"): 1,
    }


DECIDING = ("received", "supplement_requested", "supplemented", "completed")


@st.composite
def steps(draw: st.DrawFn) -> DossierEvent:
    """A step of one dossier, some time within three months around Tet."""
    # The steps that decide come more often: chains of them are what is hard.
    step = draw(st.sampled_from((*STEPS, *DECIDING, *DECIDING)))
    time = at("2026-01-15", 0) + timedelta(hours=draw(st.integers(0, 90 * 24)))
    given_: dict[str, object] = {}
    if step == "received":
        days = draw(st.none() | st.integers(-2, 25))
        promised = None if days is None else str((time + timedelta(days=days)).date())
        given_ = {"promised": promised, "procedure": "1.001193"}
    if step == "rated":
        given_["rating"] = draw(st.integers(1, 5))
    for flag in draw(st.sets(st.sampled_from(("online", "digitised", "paid_online")), max_size=1)):
        given_[flag] = True
    return dossier(step, time, **given_)


@settings(max_examples=400, deadline=None)
@given(st.lists(steps(), max_size=12))
def test_a_plain_walk_through_the_days_says_the_same(events: list[DossierEvent]) -> None:
    """Another computation, from the raw steps, day by day."""
    found = {
        (date.fromordinal(day), measure): count
        for (day, measure), count in counts_of(state(*events), TERMS).items()
    }
    assert found == dict(counts(events))


@settings(max_examples=200, deadline=None)
@given(st.lists(steps(), max_size=8), st.lists(steps(), max_size=8), st.lists(steps(), max_size=30))
def test_accounts_are_joined_alike_in_any_order(
    one: list[DossierEvent], other: list[DossierEvent], third: list[DossierEvent]
) -> None:
    """Commutative, associative, and joining again changes nothing: the reason why no order matters."""
    a, b, c = state(*one), state(*other), state(*third)
    assert joined(a, b) == joined(b, a)
    assert joined(joined(a, b), c) == joined(a, joined(b, c))
    assert joined(joined(a, b), b) == joined(a, b)


def test_a_flood_of_steps_keeps_the_earliest() -> None:
    """A dossier has a bounded size, whatever is sent of it."""
    asked = [dossier("supplement_requested", MOMENT + timedelta(minutes=n)) for n in range(100)]
    found = state(*reversed(asked)).requests
    assert found == tuple(ms(MOMENT + timedelta(minutes=n)) for n in range(MOST_TIMES))
