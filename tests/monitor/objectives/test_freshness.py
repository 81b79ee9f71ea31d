"""How old synchronised data is, against what was agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from monitor.objectives.freshness import Freshness
from monitor.objectives.metrics import ObjectiveMetrics, Quality
from monitor.registry.registry import Registry
from tests.builders import ZONE, agency, agreement, made, service
from tests.monitor.objectives.making import DAY, HOUR, Made, database, hour_of, write
from tests.monitor.registry.writing import Values

NOW = datetime(2026, 10, 20, 15, 30, tzinfo=ZONE)
HERE = hour_of("2026-10-20T15:00")
SYNC = "population.sync"
AGENCIES = (agency("MPS"), agency("MOH"), agency("VSS"))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty ledger."""
    return database(tmp_path)


def synchronised(*agreements: Values, agencies: Any = AGENCIES, frequency: str = "P1D") -> Registry:
    """A registry with a synchronised service, and a query of which age is no matter."""
    one = service(SYNC, method="sync", objectives={"frequency": frequency})
    held = agreements or (agreement(service=SYNC),)
    return made(*held, agencies=agencies, services=(one, service()))


def quality(registry: Registry, engine: Engine, now: datetime = NOW) -> Quality:
    """What is computed at a moment."""
    return ObjectiveMetrics(registry, engine, ZONE).refresh(now)


def copied(hour: int, consumer: str = "MOH", **counts: Any) -> Made:
    """A cell of the synchronised service, a copy taken where nothing else is said."""
    return Made(hour, consumer, SYNC)._replace(**(counts or {"ok": 1}))


def test_age_is_that_of_the_last_success(engine: Engine) -> None:
    """Failures since then do not make data fresh; a day and a half is more than the day agreed."""
    write(engine, [copied(HERE - 36 * HOUR), copied(HERE - HOUR, fault=3, denied=2, timeout=1)])
    latest = quality(synchronised(), engine)
    held = latest.services["MPS", SYNC]
    assert held.last == datetime.fromtimestamp(HERE - 36 * HOUR + 60, UTC)
    assert held.age(NOW) == timedelta(hours=36, minutes=29)
    assert held.stale(NOW)
    assert latest.agreements["AGR-1"] == held


def test_a_service_is_as_fresh_as_its_newest_copy_and_an_agreement_as_its_own(engine: Engine) -> None:
    """One consumer copies daily, the other has a week and takes more."""
    registry = synchronised(
        agreement(service=SYNC),
        agreement("AGR-2", consumer="VSS", service=SYNC, objectives={"frequency": "P7D"}),
    )
    write(engine, [copied(HERE), copied(HERE - 8 * DAY, "VSS")])
    latest = quality(registry, engine)
    assert not latest.services["MPS", SYNC].stale(NOW)
    assert not latest.agreements["AGR-1"].stale(NOW)
    assert latest.agreements["AGR-2"].stale(NOW)
    assert latest.agreements["AGR-2"].limit == timedelta(days=7)


def test_data_that_never_came_is_late_from_the_first_day_it_could_have(engine: Engine) -> None:
    """From the agreement's first day where the ledger is older, otherwise from the ledger's first hour."""
    registry = synchronised(agreement(service=SYNC, start="2026-10-18"))
    write(engine, [Made(hour_of("2026-10-10T00:00"), ok=1)])
    held = quality(registry, engine).agreements["AGR-1"]
    assert (held.last, held.none_since) == (None, datetime(2026, 10, 18, tzinfo=ZONE))
    assert held.stale(NOW)
    held = quality(synchronised(), engine).agreements["AGR-1"]
    assert held.none_since == datetime(2026, 10, 10, tzinfo=ZONE), "nobody knows what was before the ledger"


def test_nothing_is_told_by_an_empty_ledger(engine: Engine) -> None:
    """Neither fresh nor stale."""
    latest = quality(synchronised(), engine)
    assert latest.services["MPS", SYNC] == Freshness(timedelta(days=1))
    assert latest.services["MPS", SYNC].age(NOW) is None
    assert not latest.services["MPS", SYNC].stale(NOW)


def test_an_agency_that_is_not_connected_is_not_late(engine: Engine) -> None:
    """It is not scored; the limit is still told."""
    agencies = (*AGENCIES[:1], agency("MOH", connection={"state": "not-connected"}), AGENCIES[2])
    write(engine, [Made(HERE - 10 * DAY, consumer="VSS", ok=1)])
    latest = quality(synchronised(agencies=agencies), engine)
    assert latest.agreements["AGR-1"] == Freshness(timedelta(days=1))
    assert latest.services["MPS", SYNC] == Freshness(timedelta(days=1))


def test_a_copy_taken_under_a_former_code_counts(engine: Engine) -> None:
    """A merger makes no data older."""
    agencies = (AGENCIES[0], agency("MOH", previous_codes=["HEALTH"]), AGENCIES[2])
    write(engine, [copied(HERE - HOUR, "HEALTH")])
    latest = quality(synchronised(agencies=agencies), engine)
    assert latest.agreements["AGR-1"].last == datetime.fromtimestamp(HERE - HOUR + 60, UTC)


def test_queries_and_agreements_that_ended_have_no_age(engine: Engine) -> None:
    """The answer to a query is as old as the query."""
    registry = synchronised(agreement(), agreement("AGR-2", consumer="VSS", service=SYNC, end="2026-10-19"))
    write(engine, [Made(HERE, ok=1), copied(HERE, "VSS")])
    latest = quality(registry, engine)
    assert latest.agreements == {}
    assert set(latest.services) == {("MPS", SYNC)}


def test_an_answer_from_before_the_windows_is_found_where_a_longer_age_is_agreed(engine: Engine) -> None:
    """A package each quarter: the last one came 80 days ago, and is found step by step."""
    registry = synchronised(frequency="P90D")
    write(engine, [copied(HERE - 80 * DAY)])
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    for step in range(3):
        latest = metrics.refresh(NOW + timedelta(seconds=30 * step))
    held = latest.agreements["AGR-1"]
    assert held.last == datetime.fromtimestamp(HERE - 80 * DAY + 60, UTC)
    assert not held.stale(NOW)
    assert held.stale(NOW + timedelta(days=11))


def test_looking_back_ends_at_the_limit_and_at_the_ledger(engine: Engine) -> None:
    """An answer older than the agreed age is stale whether found or not: at least that old."""
    registry = synchronised(frequency="P40D")
    write(engine, [copied(HERE - 300 * DAY)])
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    for step in range(5):
        latest = metrics.refresh(NOW + timedelta(seconds=30 * step))
    held = latest.agreements["AGR-1"]
    assert held.last is None
    age = held.age(NOW + timedelta(hours=1))
    assert age is not None
    assert timedelta(days=40) <= age < timedelta(days=41)


def test_a_time_ahead_of_the_clock_is_no_negative_age() -> None:
    """Producers' clocks may be five minutes ahead."""
    assert Freshness(timedelta(1), last=NOW + timedelta(minutes=5)).age(NOW) == timedelta(0)


def test_age_and_limit_are_exported(engine: Engine) -> None:
    """In seconds, by service and by agreement."""
    write(engine, [copied(HERE - 2 * HOUR)])
    metrics = ObjectiveMetrics(synchronised(), engine, ZONE)
    metrics.refresh(NOW)
    exposed = CollectorRegistry()
    exposed.register(metrics)
    by_service = {"provider": "MPS", "service": SYNC}
    seconds = 2 * HOUR + 29 * 60
    assert exposed.get_sample_value("datashare_service_freshness_seconds", by_service) == seconds
    assert exposed.get_sample_value("datashare_service_freshness_limit_seconds", by_service) == DAY
    by_agreement = {"agreement": "AGR-1"}
    assert exposed.get_sample_value("datashare_agreement_freshness_seconds", by_agreement) == seconds
    assert exposed.get_sample_value("datashare_agreement_freshness_limit_seconds", by_agreement) == DAY
