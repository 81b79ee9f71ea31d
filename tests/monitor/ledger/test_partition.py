"""The ledger of one partition: what counts as new, late, too old, unknown, and what is kept as evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.events.rejection import Reason, Rejection
from monitor.judging.breach import Breach
from monitor.judging.terms import Pair
from monitor.ledger.cell import cell_of
from monitor.ledger.changes import Changes, GapKey
from monitor.ledger.finding import SAMPLES, FindingKey
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import MAX_GAPS, OTHER_NAMES, PartitionLedger
from tests.builders import MOMENT, PAIR, Arrived, agreement, book_of, exchange, ledger_of, limits

HOUR = int(MOMENT.timestamp()) // 3600 * 3600
MINUTE = timedelta(minutes=1)


def exchanges(changes: Changes) -> int:
    """Everything that was counted, over all hours and pairs."""
    return sum(cell_of(tally).exchanges for each in changes.tallies.values() for tally in each.values())


def count(changes: Changes, breach: Breach, pair: Pair = PAIR) -> int:
    """How often a breach was found in the hour of MOMENT."""
    found = changes.findings.get(FindingKey(HOUR, pair, breach))
    return 0 if found is None else found.count


def test_an_id_that_comes_again_is_counted_as_a_duplicate_only() -> None:
    """It adds nothing but itself to `duplicates`, and is a finding; also where another agency uses the id."""
    changes = ledger_of().feed(exchange(records=5), exchange(records=5), exchange(records=5, consumer="VSS"))
    assert exchanges(changes) == 1
    assert cell_of(changes.tallies[HOUR][PAIR]).duplicates == 1
    assert cell_of(changes.tallies[HOUR][PAIR]).records == 5
    assert count(changes, Breach.DUPLICATE_ID) == 1
    assert count(changes, Breach.DUPLICATE_ID, PAIR._replace(consumer="VSS")) == 1
    assert changes.events == 3


def test_ids_are_remembered_for_the_window_at_least_and_twice_it_at_most() -> None:
    """In event time: an hour's silence forgets nothing, an hour of events does."""
    window = timedelta(minutes=60)
    for minutes, known in ((59, True), (60, True), (119, True), (120, False)):
        ledger = ledger_of(dedupe_window=window)
        ledger.feed(exchange(MOMENT, id="first"))
        # One event each half hour moves the generations on, as a stream would.
        for passed in range(30, minutes + 1, 30):
            ledger.feed(exchange(MOMENT + passed * MINUTE, id=f"at-{passed}"))
        before = exchanges(ledger.changes)
        ledger.feed(exchange(MOMENT + minutes * MINUTE, id="first"))
        assert exchanges(ledger.changes) == before + (0 if known else 1), minutes


def test_no_more_than_the_greatest_number_of_ids_is_held() -> None:
    """Half of them are forgotten early, and that is counted."""
    ledger = ledger_of(dedupe_max_ids=10)
    for number in range(57):
        ledger.feed(exchange(id=str(number)))
        assert len(ledger.ids.seen) == len(ledger.ids.current) + len(ledger.ids.previous) <= 10
    assert ledger.ids.shortened == 11
    last_five_at_least = [str(number) for number in range(52, 57)]
    assert set(last_five_at_least) <= ledger.ids.seen


def test_a_partition_that_begins_late_has_forgotten_nothing() -> None:
    """Its first offset is seldom 0; no id was dropped for that."""
    ledger = ledger_of(dedupe_max_ids=10)
    ledger.fold([exchange()], Arrived(1, first=1_000_000), MOMENT)
    assert ledger.ids.shortened == 0
    assert ledger.take().id_state.shortened == 0


def test_events_before_the_next_offset_are_passed_over() -> None:
    """They were counted already, whatever is in them."""
    ledger = ledger_of()
    events = [exchange(id=str(number)) for number in range(6)]
    ledger.fold(events[:4], Arrived(4), MOMENT)
    ledger.fold(events[2:], Arrived(4, first=2), MOMENT)
    assert exchanges(ledger.changes) == 6
    assert Breach.DUPLICATE_ID not in {key.breach for key in ledger.changes.findings}
    assert ledger.next_offset == 6


def test_an_empty_batch_moves_the_offset() -> None:
    """Transaction markers and compacted records are read too."""
    ledger = ledger_of()
    ledger.fold([], Arrived(0, first=9), MOMENT)
    assert (ledger.next_offset, ledger.changes.next_offset, ledger.changes.events) == (9, 9, 0)


def test_late_is_more_than_the_setting_behind_the_newest_event() -> None:
    """Exactly at it is not late; a late event counts in its own hour."""
    ledger = ledger_of(late_after=5 * MINUTE)
    times = [
        MOMENT,
        MOMENT - 5 * MINUTE,
        MOMENT - 5 * MINUTE - timedelta(microseconds=1),
        MOMENT - 60 * MINUTE,
    ]
    for number, time in enumerate(times):
        ledger.feed(exchange(time, id=str(number)), at=MOMENT)
    changes = ledger.changes
    assert changes.tallies[HOUR][PAIR].late == 1
    assert changes.tallies[HOUR - 3600][PAIR].late == 1
    assert cell_of(changes.tallies[HOUR - 3600][PAIR]).exchanges == 1


@pytest.mark.parametrize(
    ("behind", "reason"),
    [
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, microseconds=-1), Reason.IN_FUTURE),
        (timedelta(days=90), None),
        (timedelta(days=90, microseconds=1), Reason.TOO_OLD),
    ],
)
def test_age_is_measured_at_arrival(behind: timedelta, reason: Reason | None) -> None:
    """Not at reading: a monitor that was away for a week refuses nothing for that."""
    arrived = MOMENT.replace(microsecond=0)
    for now in (arrived, arrived + timedelta(days=100)):
        ledger = ledger_of()
        ledger.fold([exchange(arrived - behind)], Arrived(1, at=arrived), now)
        assert ledger.changes.rejected == ({} if reason is None else {reason: 1})
        assert exchanges(ledger.changes) == (reason is None)


def test_each_event_of_a_batch_is_measured_at_its_own_arrival() -> None:
    """A batch can hold hours of arrivals; the first event's bounds are not the last one's."""
    times = [MOMENT + timedelta(hours=hours) for hours in range(4)]
    events = [exchange(time, id=str(number)) for number, time in enumerate(times)]
    events += [exchange(times[3], id="too early"), exchange(times[3], id="on time")]
    ledger = ledger_of()
    ledger.fold(events, Arrived(6, times=[*times, times[0], times[3]]), times[3])
    assert exchanges(ledger.changes) == 5
    assert [offset for offset, _ in ledger.changes.rejections] == [4]


def test_a_broker_time_in_the_future_excuses_nothing() -> None:
    """A producer may claim any time of arrival; the present bounds it."""
    ledger = ledger_of()
    in_a_year = MOMENT + timedelta(days=365)
    ledger.fold([exchange(in_a_year)], Arrived(1, at=in_a_year), MOMENT)
    assert ledger.changes.rejected == {Reason.IN_FUTURE: 1}


@pytest.mark.parametrize("claimed", [2**62, 253_402_300_800_000, -(2**62)])
def test_a_broker_time_beyond_the_calendar_stops_nothing(claimed: int) -> None:
    """It is a time like any other that is wrong."""
    arrivals = Arrived(2)
    arrivals.earliest_ms = arrivals.latest_ms = claimed
    arrivals.timestamp_ms = lambda _index: claimed  # type: ignore[method-assign, assignment]
    ledger = ledger_of()
    ledger.fold([exchange(id="a"), exchange(id="b")], arrivals, MOMENT)
    assert exchanges(ledger.changes) + sum(ledger.changes.rejected.values()) == 2


@pytest.mark.parametrize(
    ("time", "reason"), [(1e300, Reason.IN_FUTURE), (-1e300, Reason.TOO_OLD), (0, Reason.TOO_OLD)]
)
def test_a_time_beyond_the_calendar_is_in_the_future_or_too_old(time: float, reason: Reason) -> None:
    """On whichever side it lies."""
    assert ledger_of().feed(exchange(time), at=MOMENT).rejected == {reason: 1}


def test_a_refused_event_is_noted_with_its_offset() -> None:
    """It is counted by its reason and nowhere else, and its id is free."""
    ledger = ledger_of()
    changes = ledger.feed(
        exchange(id="a"), Rejection(Reason.NOT_JSON, "why"), exchange(id="b", fields="no list")
    )
    ledger.feed(exchange(id="b"))
    assert changes.rejected == {Reason.NOT_JSON: 1, Reason.INVALID_FIELD: 1}
    assert [offset for offset, _ in changes.rejections] == [1, 2]
    assert exchanges(changes) == 2
    assert changes.events == 4


def test_the_samples_of_a_finding_are_the_first_ten() -> None:
    """They do not change later, also over commits; first and last time do."""
    ledger = ledger_of(dedupe_max_ids=1000)
    for number in range(6):
        ledger.feed(exchange(MOMENT + timedelta(seconds=number), id=str(number), purpose="x"))
    first = ledger.take().findings[FindingKey(HOUR, PAIR, Breach.PURPOSE_NOT_PERMITTED)]
    for number in range(6, 20):
        ledger.feed(exchange(MOMENT - timedelta(seconds=number), id=str(number), purpose="x"), at=MOMENT)
    second = ledger.take().findings[FindingKey(HOUR, PAIR, Breach.PURPOSE_NOT_PERMITTED)]
    both = first.plus(second)
    assert both.samples == tuple(map(str, range(SAMPLES)))
    assert (both.count, both.agreement, both.version) == (20, "AGR-1", 1)
    assert (both.first_time, both.last_time) == (
        MOMENT - timedelta(seconds=19),
        MOMENT + timedelta(seconds=5),
    )
    assert len(second.samples) == SAMPLES


def test_a_denied_attempt_is_told_from_a_use() -> None:
    """Both are in the finding; how many were refused stands beside it."""
    changes = ledger_of().feed(exchange(id="a", purpose="x"), exchange(id="b", purpose="x", outcome="denied"))
    found = changes.findings[FindingKey(HOUR, PAIR, Breach.PURPOSE_NOT_PERMITTED)]
    assert (found.count, found.denied) == (2, 1)


def test_unregistered_names_are_noted() -> None:
    """Each name by its kind, however often it came, without the NUL that PostgreSQL cannot hold."""
    changes = ledger_of().feed(
        exchange(id="a", consumer="NEW"),
        exchange(id="b", consumer="NEW", provider="N\0L"),
        exchange(id="c", service="new.service"),
    )
    assert changes.gaps[GapKey("agency", "NEW")] == 2
    assert changes.gaps[GapKey("agency", "N\ufffdL")] == 1
    assert changes.gaps[GapKey("service", "new.service")] == 1


def test_only_names_that_the_registry_lacks_are_gaps() -> None:
    """A service is held whoever was asked for it: asking the wrong one is a breach, not a gap."""
    changes = ledger_of().feed(
        exchange(id="a", provider="NEW"),
        exchange(id="b", service="insurance.verify-insured"),
        exchange(id="c", provider="NEW", service="new.service"),
    )
    assert changes.gaps == {GapKey("agency", "NEW"): 2, GapKey("service", "new.service"): 1}
    assert {key.breach: found.samples for key, found in changes.findings.items()} == {
        Breach.UNKNOWN_AGENCY: ("a", "c"),
        Breach.UNKNOWN_SERVICE: ("b",),
    }


def test_a_flood_of_unregistered_names_is_bounded() -> None:
    """Beyond a thousand they count as others; their exchanges share one cell."""
    ledger = ledger_of()
    ledger.feed(*[exchange(id=str(number), consumer=f"X{number}") for number in range(MAX_GAPS + 500)])
    gaps = ledger.changes.gaps
    assert len(gaps) == MAX_GAPS + 1
    assert gaps[GapKey("agency", OTHER_NAMES)] == 500
    assert len(ledger.changes.tallies[HOUR]) == 1
    assert exchanges(ledger.changes) == MAX_GAPS + 500


def test_the_day_of_a_quota_begins_at_local_midnight() -> None:
    """17:00 UTC in this zone; what was called before does not count after."""
    ledger = ledger_of(book_of(agreement(ceilings={"calls_per_day": 2})))
    midnight = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)
    times = [
        midnight - 3 * MINUTE,
        midnight - 2 * MINUTE,
        midnight - MINUTE,
        midnight,
        midnight + MINUTE,
        midnight + 60 * MINUTE,
    ]
    for number, time in enumerate(times):
        ledger.feed(exchange(time, id=str(number)))
    exceeded = {key.hour: found.samples for key, found in ledger.changes.findings.items()}
    assert exceeded == {int(midnight.timestamp()) - 3600: ("2",), int(midnight.timestamp()) + 3600: ("5",)}


def test_a_quota_is_counted_on_from_the_database() -> None:
    """Asked once a day, for exactly that day's hours."""
    asked = []

    def calls(begins: int, ends: int) -> dict[Pair, int]:
        asked.append((begins, ends))
        return {PAIR: 4}

    held = limits()
    ledger = PartitionLedger(
        book_of(agreement(ceilings={"calls_per_day": 5})), held, ids=IdMemory(held.dedupe_window, 1000),
        next_offset=7, newest=MOMENT, load_calls=calls,
    )  # fmt: skip
    ledger.fold([exchange(id="a"), exchange(id="b")], Arrived(2, first=7), MOMENT)
    ledger.take()
    ledger.settled()
    ledger.fold([exchange(id="c")], Arrived(1, first=9), MOMENT)
    begins = int(datetime(2026, 10, 4, 17, 0, tzinfo=UTC).timestamp())
    assert asked == [(begins, begins + 86_400)]
    assert ledger.changes.findings[FindingKey(HOUR, PAIR, Breach.QUOTA_EXCEEDED)].samples == ("c",)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_no_day_is_forgotten_of_which_calls_are_in_no_database_yet(elsewhere: bool) -> None:
    """However many newer days there are: those judged here, and those that are only counted here."""
    ledger = ledger_of(book_of(agreement(ceilings={"calls_per_day": 1})))
    days = [MOMENT - timedelta(days=before) for before in range(9, -1, -1)]
    for place, time in enumerate(days):
        if elsewhere:
            assert ledger.count_call(PAIR, int(time.timestamp()) // 3600 * 3600) == 1
        else:
            ledger.feed(exchange(time, id=str(place)), at=MOMENT)
    ledger.settled()  # of what was taken before
    ledger.feed(exchange(days[0], id="again"), at=MOMENT)
    assert [found.count for found in ledger.changes.findings.values()] == [1]
    ledger.take()
    ledger.settled()
    ledger.feed(exchange(days[0], id="and again"), at=MOMENT)
    assert exchanges(ledger.changes) == 1
    assert ledger.changes.findings == {}, "read again, from a database that holds nothing in this test"


def test_taking_begins_anew_from_the_same_place() -> None:
    """What is taken is a delta; offset, newest time and the memory of ids stay."""
    ledger = ledger_of()
    ledger.feed(exchange(id="a"))
    taken = ledger.take()
    assert (taken.next_offset, taken.newest, taken.ids) == (1, MOMENT, {0: ["a"]})
    again = ledger.take()
    assert (again.next_offset, again.newest, again.events, again.tallies) == (1, MOMENT, 0, {})
    ledger.feed(exchange(id="a"))
    assert exchanges(ledger.changes) == 0


def test_a_ledger_that_counted_nothing_forgets_nothing() -> None:
    """Its first changes already say how new the newest event was."""
    held = limits()
    ledger = PartitionLedger(
        book_of(), held, IdMemory(held.dedupe_window, 9), 5, MOMENT, lambda _begins, _ends: {}
    )
    assert (ledger.take().newest, ledger.take().next_offset) == (MOMENT, 5)


def test_ages_stand_for_all_that_was_counted() -> None:
    """A sample with weights; what was refused for its time is not in it."""
    ledger = ledger_of()
    events = [exchange(id=str(number)) for number in range(1000)]
    ledger.feed(*events, exchange(0), at=MOMENT)
    assert 50 <= len(ledger.changes.ages) <= 101
    assert sum(weight for _, weight in ledger.changes.ages) == pytest.approx(1000, rel=0.05)
    assert {time for time, _ in ledger.changes.ages} == {MOMENT}


@pytest.mark.parametrize(
    ("clause", "breach", "within", "beyond"),
    [
        ({"ceilings": {"records_per_call": 5}}, Breach.RECORDS_EXCEEDED, {"records": 5}, {"records": 6}),
        (
            {"hours": {"days": ["mon"], "from": "08:00", "until": "15:30"}},
            Breach.OUTSIDE_HOURS,
            {},
            {"time": MOMENT + 15 * MINUTE},
        ),
        ({"case_required": True}, Breach.CASE_MISSING, {"case": "A-7"}, {"case": ""}),
        ({"case_required": True}, Breach.CASE_MISSING, {"case": 1}, {"case": None}),
        ({"case_required": True}, Breach.CASE_MISSING, {"case": "1"}, {}),
    ],
)
def test_every_limit_is_judged_by_itself(
    clause: dict[str, Any], breach: Breach, within: dict[str, Any], beyond: dict[str, Any]
) -> None:
    """Also where it is the only one that an agreement sets: most exchanges keep all, and are let through."""
    changes = ledger_of(book_of(agreement(**clause))).feed(
        exchange(**within, id="within"), exchange(**beyond, id="beyond"), at=MOMENT + 15 * MINUTE
    )
    assert {key.breach: found.samples for key, found in changes.findings.items()} == {breach: ("beyond",)}
