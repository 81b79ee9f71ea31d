"""What is read from the ledger: sums over partitions, under present codes, within their windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.duties.facts import REREAD, FactsReader, LedgerFacts, Traffic
from monitor.judging.terms import UNREGISTERED
from tests.builders import MOMENT, PAIR, ZONE, agency, made, service
from tests.monitor.duties.ledgers import database, write_cell, write_finding

REGISTRY = made(
    agencies=(agency("MPS"), agency("VSS"), agency("MOH", previous_codes=["GOV-M5"])),
    services=(service(method="sync"), service("population.other")),
)
WINDOW, LOOK_BACK = timedelta(days=30), timedelta(days=60)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    with database(str(request.param), request, tmp_path) as engine:
        yield engine


def reader() -> FactsReader:
    """One that has read nothing yet."""
    return FactsReader(REGISTRY, ZONE, window=WINDOW, look_back=LOOK_BACK)


def facts(engine: Engine) -> LedgerFacts:
    """What is read at MOMENT."""
    with engine.connect() as connection:
        return reader().read(connection, MOMENT)


def test_an_empty_ledger_says_nothing(engine: Engine) -> None:
    """Not even since when it says nothing."""
    assert facts(engine) == LedgerFacts()


def test_cells_are_added_over_partitions_hours_and_former_codes(engine: Engine) -> None:
    """Counts within the window, times as far back as is looked."""
    now, early, long_ago = MOMENT, MOMENT - timedelta(days=40), MOMENT - timedelta(days=70)
    write_cell(engine, now, ok=5, fault=1)
    write_cell(engine, now - timedelta(minutes=5), ok=2, denied=1, partition=1)
    write_cell(engine, early, "GOV-M5", ok=100)
    write_cell(engine, early, "VSS", ok=7)
    write_cell(engine, long_ago, "OTHER", ok=7)
    found = facts(engine)
    assert found.observed_since == long_ago.replace(minute=0, second=0, microsecond=0)
    assert found.last_exchange == {"MPS": now, "MOH": now, "VSS": early}
    assert found.last_answer == {PAIR: now, PAIR._replace(consumer="VSS"): early}
    assert found.answered[PAIR.service] == 7
    assert found.traffic["MOH"] == Traffic(9, 9, 9)
    assert set(found.traffic) == {"MOH"}


def test_an_hour_without_an_answer_is_no_answer(engine: Engine) -> None:
    """But an exchange it is."""
    before = MOMENT - timedelta(days=2)
    write_cell(engine, before, ok=1)
    write_cell(engine, MOMENT, fault=3, timeout=1)
    found = facts(engine)
    assert found.last_answer == {PAIR: before}
    assert found.last_exchange["MOH"] == MOMENT


def test_traffic_is_told_by_whether_an_agreement_permitted_it(engine: Engine) -> None:
    """What was wrong otherwise does not count, nor what is older; unregistered things cannot be judged."""
    write_cell(engine, MOMENT, ok=20)
    write_cell(engine, MOMENT, service=UNREGISTERED, ok=3)
    write_cell(engine, MOMENT, provider=UNREGISTERED, service=UNREGISTERED, ok=2)
    write_finding(engine, MOMENT, "no_agreement", 4)
    write_finding(engine, MOMENT, "agreement_expired", 2, consumer="GOV-M5")
    write_finding(engine, MOMENT, "purpose_missing", 9)
    write_finding(engine, MOMENT, "unknown_service", 3, service=UNREGISTERED)
    write_finding(engine, MOMENT - timedelta(days=31), "no_agreement", 5)
    found = facts(engine)
    assert found.traffic["MOH"] == Traffic(25, 20, 14)
    assert UNREGISTERED not in found.answered


def test_answers_are_timed_of_synchronised_services_alone(engine: Engine) -> None:
    """Nothing else can be too old, and there are many pairs."""
    write_cell(engine, MOMENT, service="population.other", ok=1)
    found = facts(engine)
    assert (found.last_answer, found.answered) == ({}, {"population.other": 1})


def test_what_is_later_is_left_out(engine: Engine) -> None:
    """A look at the past sees what was then, to the hour."""
    write_cell(engine, MOMENT - timedelta(days=3), ok=1)
    write_cell(engine, MOMENT + timedelta(hours=1), ok=7)
    assert facts(engine).traffic["MOH"] == Traffic(1, 1, 1)


def test_a_reader_sees_at_once_what_comes_to_the_last_two_days(engine: Engine) -> None:
    """As nearly everything does."""
    again = reader()
    write_cell(engine, MOMENT, ok=1)
    write_cell(engine, MOMENT - timedelta(days=1), ok=1)
    for minute in range(2):
        for day in range(2):
            write_cell(engine, MOMENT - timedelta(days=day), ok=10, partition=minute + 1)
        with engine.connect() as connection:
            found = again.read(connection, MOMENT + timedelta(minutes=minute))
        assert found.traffic["MOH"].exchanges == 2 + (minute + 1) * 20


def test_a_reader_sees_what_comes_late_within_so_many_readings(engine: Engine) -> None:
    """One old day at each reading, once an hour has passed since it was read."""
    again = reader()
    write_cell(engine, MOMENT - timedelta(days=20), ok=1)
    with engine.connect() as connection:
        again.read(connection, MOMENT)
    write_cell(engine, MOMENT - timedelta(days=9), ok=100)
    seen = []
    for reading in range(25):
        now = MOMENT + REREAD + timedelta(minutes=reading) - timedelta(minutes=1)
        with engine.connect() as connection:
            seen.append(again.read(connection, now).traffic["MOH"].exchanges)
    assert seen[0] == 1
    assert seen[-1] == 101
    assert sorted(seen) == seen


def test_a_reader_that_goes_on_agrees_with_one_that_begins(engine: Engine) -> None:
    """From hour to hour, over days, after a long pause, and back in time."""
    again = reader()
    for day in range(5):
        write_cell(engine, MOMENT + timedelta(days=day), ok=1)
    for hours in (0, 1, 30, 31, 60, 61, 95, 100, 2):
        now = MOMENT + timedelta(hours=hours)
        with engine.connect() as connection:
            assert again.read(connection, now) == reader().read(connection, now), hours


def test_days_that_fall_out_of_the_window_are_forgotten(engine: Engine) -> None:
    """Counts after 30 days, times after 60; the day on which the span begins is whole."""
    begun = MOMENT - timedelta(hours=8)  # soon after local midnight
    write_cell(engine, begun, ok=1)
    for days, counted, timed in ((30, 1, True), (31, 0, True), (60, 0, True), (61, 0, False)):
        now = MOMENT + timedelta(days=days)
        with engine.connect() as connection:
            found = reader().read(connection, now)
        assert found.answered.get(PAIR.service, 0) == counted, days
        assert (PAIR in found.last_answer) is timed, days
