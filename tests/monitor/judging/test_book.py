"""The book of agreements: whose terms hold on which local day, and what the names on an exchange mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED, Pair, Terms
from tests.builders import AGENCIES, PAIR, SERVICES, ZONE, agency, agreement, book_of, service

HOUR = 3600


def hour(text: str, zone: ZoneInfo = ZONE) -> int:
    """The UTC hour in which a local time lies, in epoch seconds."""
    seconds = int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
    return seconds - seconds % HOUR


def terms(book: Book, at: str, names: tuple[str, str, str] = PAIR) -> Terms:
    """The terms at a local time."""
    return book.terms(*names, hour(at))


def standing(book: Book, at: str, names: tuple[str, str, str] = PAIR) -> Breach | None:
    """What alone makes an exchange at a local time a breach."""
    return terms(book, at, names).standing


def test_an_agreement_holds_from_its_first_to_its_last_local_day() -> None:
    """Both days are included, and they are days of the zone, seven hours before those of UTC."""
    book = book_of(agreement(start="2026-03-01", end="2026-03-31"))
    assert standing(book, "2026-02-28T23:59") is Breach.AGREEMENT_NOT_STARTED
    assert standing(book, "2026-03-01T00:00") is None  # 28 February 17:00 UTC
    assert standing(book, "2026-03-31T23:59") is None
    assert standing(book, "2026-04-01T00:00") is Breach.AGREEMENT_EXPIRED  # 31 March 17:00 UTC


def test_a_version_ends_with_the_day_on_which_it_was_ended() -> None:
    """`ended` comes before `end`; the next version takes over at midnight."""
    first = agreement(ended="2026-06-15", purposes=["old"])
    second = agreement(version=2, start="2026-06-16", purposes=["new"])
    book = book_of(first, second)
    assert terms(book, "2026-06-15T23:00").purposes == frozenset({"old"})
    assert terms(book, "2026-06-16T00:00").purposes == frozenset({"new"})
    assert (terms(book, "2026-06-15T12:00").version, terms(book, "2026-06-16T12:00").version) == (1, 2)
    assert standing(book_of(first), "2026-06-16T00:00") is Breach.AGREEMENT_EXPIRED


def test_between_two_versions_the_first_has_expired() -> None:
    """Expired says that there was one; not started, that there never was."""
    book = book_of(agreement(ended="2026-03-31"), agreement(version=2, start="2026-06-01"))
    assert standing(book, "2025-12-31T12:00") is Breach.AGREEMENT_NOT_STARTED
    assert standing(book, "2026-05-01T12:00") is Breach.AGREEMENT_EXPIRED


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("draft", Breach.AGREEMENT_INACTIVE),
        ("suspended", Breach.AGREEMENT_INACTIVE),
        ("terminated", Breach.AGREEMENT_INACTIVE),
        ("registered", None),
        ("active", None),
    ],
)
def test_the_status_says_whether_it_may_be_used(status: str, expected: Breach | None) -> None:
    """Drafts, suspended ones and those terminated without a last day permit nothing; the finding names it."""
    found = terms(book_of(agreement(status=status)), "2026-05-01T12:00")
    assert (found.standing, found.agreement, found.version) == (expected, "AGR-1", 1)


def test_a_terminated_agreement_was_in_force_until_its_last_day() -> None:
    """Exchanges of that time are judged by its terms, late ones too; later ones find it inactive."""
    stopped = agreement(status="terminated", ended="2026-06-15", fields=["full_name"])
    book = book_of(stopped)
    active = book_of({**stopped, "status": "active"})
    for at in ("2026-01-01T00:00", "2026-06-15T23:59"):
        assert terms(book, at) == terms(active, at)
        assert terms(book, at).fields == frozenset({"full_name"})
    for at in ("2026-06-16T00:00", "2027-01-01T00:00"):  # the second is past its agreed end, too
        found = terms(book, at)
        assert (found.standing, found.agreement, found.version) == (Breach.AGREEMENT_INACTIVE, "AGR-1", 1)
        assert standing(active, at) is Breach.AGREEMENT_EXPIRED
    assert standing(book, "2025-12-31T12:00") is Breach.AGREEMENT_NOT_STARTED


def test_after_a_termination_what_was_agreed_anew_holds() -> None:
    """Until it begins the pair is without; when it has run out, that one has, whatever came before."""
    stopped = agreement(status="terminated", ended="2026-03-31")
    book = book_of(stopped, agreement("AGR-2", start="2026-06-01", end="2026-08-31"))
    assert standing(book, "2026-05-31T23:00") is Breach.AGREEMENT_INACTIVE
    assert terms(book, "2026-06-01T00:00").agreement == "AGR-2"
    assert standing(book, "2026-09-01T00:00") is Breach.AGREEMENT_EXPIRED
    drafted = book_of(stopped, agreement("AGR-2", status="draft", start="2026-06-01", end="2026-08-31"))
    assert standing(drafted, "2026-09-01T00:00") is Breach.AGREEMENT_INACTIVE


def test_a_draft_never_stands_in_the_way_of_what_is_agreed() -> None:
    """It counts only where nothing else covers the day."""
    active, draft = (
        agreement(purposes=["agreed"], end="2026-06-30"),
        agreement(version=2, status="draft", start="2026-05-01"),
    )
    book = book_of(active, draft)
    assert terms(book, "2026-06-01T12:00").purposes == frozenset({"agreed"})
    assert standing(book, "2026-07-01T12:00") is Breach.AGREEMENT_INACTIVE


def test_a_pair_without_any_agreement() -> None:
    """Another consumer's agreement, or one on another service, permits nothing."""
    book = book_of()
    assert standing(book, "2026-05-01T12:00", ("MPS", "VSS", PAIR.service)) is Breach.NO_AGREEMENT
    assert (
        standing(book, "2026-05-01T12:00", ("VSS", "MOH", "insurance.verify-insured")) is Breach.NO_AGREEMENT
    )


@pytest.mark.parametrize(
    ("names", "expected", "pair"),
    [
        (("NOBODY", "MOH", PAIR.service), Breach.UNKNOWN_AGENCY, Pair(UNREGISTERED, "MOH", UNREGISTERED)),
        (("MPS", "NOBODY", PAIR.service), Breach.UNKNOWN_AGENCY, Pair("MPS", UNREGISTERED, PAIR.service)),
        (("NOBODY", "NOWHERE", "z.z"), Breach.UNKNOWN_AGENCY, Pair(*[UNREGISTERED] * 3)),
        (("mps", "MOH", PAIR.service), Breach.UNKNOWN_AGENCY, Pair(UNREGISTERED, "MOH", UNREGISTERED)),
        ((UNREGISTERED, "MOH", PAIR.service), Breach.UNKNOWN_AGENCY, Pair(UNREGISTERED, "MOH", UNREGISTERED)),
        (("MPS", "MOH", "no.such-service"), Breach.UNKNOWN_SERVICE, Pair("MPS", "MOH", UNREGISTERED)),
        (("VSS", "MOH", PAIR.service), Breach.UNKNOWN_SERVICE, Pair("VSS", "MOH", UNREGISTERED)),
    ],
)
def test_what_the_registry_does_not_hold_counts_as_unregistered(
    names: tuple[str, str, str], expected: Breach, pair: Pair
) -> None:
    """An unknown agency comes before an unknown service; another provider's service is unknown."""
    found = terms(book_of(), "2026-05-01T12:00", names)
    assert (found.standing, found.pair) == (expected, pair)


def test_a_former_code_counts_as_the_present_one() -> None:
    """As consumer and as provider, on the exchange and in the agreement."""
    agencies = (agency("MPS", previous_codes=["OLDPS"]), agency("MOH", previous_codes=["OLDH"]), AGENCIES[2])
    book = book_of(agreement(provider="OLDPS", consumer="OLDH"), agencies=agencies)
    for names in (("MPS", "MOH"), ("OLDPS", "MOH"), ("MPS", "OLDH"), ("OLDPS", "OLDH")):
        found = terms(book, "2026-05-01T12:00", (*names, PAIR.service))
        assert (found.pair, found.standing) == (PAIR, None)


def test_the_clauses_become_terms() -> None:
    """Each clause that is judged; absent ones permit everything."""
    plain = terms(book_of(), "2026-05-01T12:00")
    assert plain == Terms(PAIR, agreement="AGR-1", version=1, purposes=frozenset({"health-insurance"}))
    full = agreement(
        fields=["full_name"],
        ceilings={"records_per_call": 5, "calls_per_day": 100},
        case_required=True,
        signature_required=True,
        objectives={"latency": {"limit_ms": 250}},
    )
    assert terms(book_of(full), "2026-05-01T12:00") == Terms(
        PAIR,
        agreement="AGR-1",
        version=1,
        purposes=frozenset({"health-insurance"}),
        fields=frozenset({"full_name"}),
        records_per_call=5,
        calls_per_day=100,
        case_required=True,
        signature_required=True,
        latency_limit_ms=250,
    )


def test_the_service_s_latency_holds_where_the_agreement_sets_none() -> None:
    """The agreement's own comes first."""
    services = (service(objectives={"latency": {"limit_ms": 400}}), SERVICES[1])
    own = agreement(objectives={"latency": {"limit_ms": 250}})
    assert terms(book_of(services=services), "2026-05-01T12:00").latency_limit_ms == 400
    assert terms(book_of(own, services=services), "2026-05-01T12:00").latency_limit_ms == 250


ZONES = [
    ZoneInfo(name)
    for name in ("Asia/Ho_Chi_Minh", "UTC", "Europe/Tallinn", "America/Havana", "Pacific/Auckland")
]


@given(st.sampled_from(ZONES), st.integers(420_000, 500_000), st.integers(0, 3599))
def test_within_a_utc_hour_the_local_day_never_changes(zone: ZoneInfo, hours: int, seconds: int) -> None:
    """So terms are constant in an hour, also in the nights when clocks change."""
    start = hours * HOUR
    first, some = (datetime.fromtimestamp(at, zone) for at in (start, start + seconds))
    assert first.date() == some.date()
    book = book_of(zone=zone)
    day = book.day_begins(start)
    assert day % HOUR == 0
    assert day <= start < book.day_ends(day)
    assert datetime.fromtimestamp(day, zone).date() == first.date()
    assert datetime.fromtimestamp(day - 1, zone).date() == first.date() - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Ho_Chi_Minh", date(2026, 10, 5), 24),
        ("Europe/Tallinn", date(2026, 3, 29), 23),
        ("Europe/Tallinn", date(2026, 10, 25), 25),
        ("America/Havana", date(2026, 11, 1), 25),  # clocks go back to midnight: it comes twice
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(zone: str, day: date, hours: int) -> None:
    """Every hour of it has the same beginning, so that its calls are counted together."""
    book = book_of(zone=ZoneInfo(zone))
    begins = int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
    assert {book.day_begins(begins + n * HOUR) for n in range(hours)} == {begins}
    assert book.day_ends(begins) == begins + hours * HOUR


def test_terms_depend_on_the_hour_only() -> None:
    """They are worked out once for a pair and an hour, and the same object serves every exchange of it."""
    book = book_of()
    at = hour("2026-05-01T12:00")
    assert book.terms(*PAIR, at) is book.terms(*PAIR, at)
    assert book.terms(*PAIR, at) == book.terms(*PAIR, at + HOUR)


def opening(hours: dict[str, Any], at: str) -> tuple[float, float] | None:
    """The part of the hour of a local time that hours permit: None when all of it, zeros when none."""
    found = terms(book_of(agreement(hours=hours)), at).opening
    return (0, 0) if found is not None and found.first == found.last else found


def _clock(hours: int, minutes: int) -> str:
    return f"{hours:02}:{minutes:02}"


OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:30", "until": "17:15"}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-10-05T06:00", (0, 0)),  # a Monday
        ("2026-10-05T07:00", (1800, 3600)),
        ("2026-10-05T08:00", None),
        ("2026-10-05T16:00", None),
        ("2026-10-05T17:00", (0, 900)),
        ("2026-10-05T18:00", (0, 0)),
        ("2026-10-10T10:00", (0, 0)),  # Saturday
        ("2026-10-11T23:00", (0, 0)),  # Sunday; in UTC it is Sunday still
        ("2026-10-12T00:00", (0, 0)),  # Monday, but Sunday 17:00 in UTC
    ],
)
def test_hours_are_cut_to_the_minute_in_local_time(at: str, expected: tuple[float, float] | None) -> None:
    """What of each hour is open, in seconds after its start."""
    assert opening(OFFICE, at) == expected


def test_hours_until_midnight_last_the_whole_evening() -> None:
    """24:00 is written 00:00; and weekdays are those of the zone."""
    late = {"days": ["mon"], "from": "22:20", "until": "00:00"}
    assert opening(late, "2026-10-05T22:00") == (1200, 3600)
    assert opening(late, "2026-10-05T23:00") is None
    assert opening(late, "2026-10-06T00:00") == (0, 0)
    all_day = {"days": ["mon"]}
    assert opening(all_day, "2026-10-05T00:00") is None
    assert opening(all_day, "2026-10-04T23:00") == (0, 0)


def test_hours_of_a_few_minutes() -> None:
    """Opening and closing within one hour."""
    short = {"days": ["mon"], "from": "09:10", "until": "09:11"}
    assert opening(short, "2026-10-05T09:00") == (600, 660)
    assert opening(short, "2026-10-05T10:00") == (0, 0)


@given(
    st.tuples(st.integers(0, 23), st.integers(0, 59)),
    st.tuples(st.integers(0, 23), st.integers(0, 59)),
    st.integers(0, 7 * 24 * 60 - 1),
)
def test_every_minute_of_a_week_is_judged_as_the_clock_says(
    opens: tuple[int, int], closes: tuple[int, int], minute: int
) -> None:
    """Against the plain comparison of wall-clock times."""
    if opens >= closes:
        opens, closes = closes, opens
    if closes in {opens, (0, 0)}:
        return
    hours = {"days": ["mon", "wed"], "from": _clock(*opens), "until": _clock(*closes)}
    local = datetime(2026, 10, 5, tzinfo=ZONE) + timedelta(minutes=minute)
    expected = local.weekday() in (0, 2) and opens <= (local.hour, local.minute) < closes
    at = int(local.astimezone(UTC).timestamp())
    found = book_of(agreement(hours=hours)).terms(*PAIR, at - at % HOUR).opening
    assert (found is None or found.covers(at % HOUR)) == expected
