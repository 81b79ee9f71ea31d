"""What Prometheus reads about duties, connections and indicators: what was worked out last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from monitor.duties import names
from monitor.duties.assess import assess
from monitor.duties.connection import STATES
from monitor.duties.item import DUTIES
from monitor.duties.metrics import DutyMetrics
from monitor.indicators.agencies import INDICATORS
from monitor.metrics.names import PREFIX, Declaration
from monitor.storage import tables
from tests.builders import agency, agreement, service
from tests.monitor.duties.ledgers import database, write_cell, write_events, write_finding
from tests.monitor.duties.parts import local, recorded, terms

NOW = local("2026-12-20")
TERMS = terms(
    agreement(dates={"review": "2026-10-01"}),
    agreement("AGR-2", service="population.sync-changes"),
    agencies=[
        agency("MPS"),
        agency("MOH", previous_codes=["GOV-M5"]),
        agency("VSS", connection={"state": "not-connected"}),
    ],
    services=[
        service(),
        service("population.sync-changes", method="sync", objectives={"frequency": "P1D"}),
        service("insurance.verify-insured", provider="VSS"),
    ],
)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database in which something has happened."""
    with database(str(request.param), request, tmp_path) as engine:
        write_cell(engine, NOW, ok=9, denied=1)
        write_finding(engine, NOW, "no_agreement", 4)
        write_cell(engine, NOW - timedelta(days=2), service="population.sync-changes", ok=1)
        write_events(
            engine,
            [
                recorded("requested", "2026-12-01", "GOV-M5", request="YC-1", limit="simple"),
                recorded("requested", "2026-12-19", "GOV-M5", request="YC-2", limit="complex"),
            ],
        )
        yield engine


class Kept(NamedTuple):
    """How an objective was kept."""

    events: int
    bad: int
    allowed: float


def values(metrics: DutyMetrics) -> dict[tuple[str, ...], float]:
    """Every sample by metric and labels, without the prefix."""
    exposed = CollectorRegistry()
    exposed.register(metrics)
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in exposed.collect()
        for sample in family.samples
    }


def refreshed(engine: Engine, now: datetime = NOW, **given: Any) -> dict[tuple[str, ...], float]:
    """What is shown after a refresh."""
    metrics = DutyMetrics(TERMS, engine, **given)
    metrics.refresh(now)
    return values(metrics)


def test_before_the_first_refresh_nothing_is_shown(engine: Engine) -> None:
    """Nothing is better than zeros; but the names are known, and a second collector is refused."""
    metrics = DutyMetrics(TERMS, engine)
    assert values(metrics) == {}
    exposed = CollectorRegistry()
    exposed.register(metrics)
    with pytest.raises(ValueError, match="Duplicated"):
        exposed.register(DutyMetrics(TERMS, engine))


def test_duties_are_counted_by_agency_and_kind(engine: Engine) -> None:
    """All, those overdue, and the first time at which an open one is due."""
    shown = refreshed(engine)
    assert shown["duty_total", "MOH", "answer"] == 2
    assert shown["duty_overdue", "MOH", "answer"] == 1
    assert shown["duty_due_timestamp_seconds", "MOH", "answer"] == local("2026-12-09T00:00").timestamp()
    assert shown["duty_overdue", "MPS", "freshness"] == 1
    assert shown["duty_overdue", "MPS", "review"] == 1
    assert shown["duty_overdue", "MPS", "default_list_review"] == 0
    assert shown["duty_total", "MOH", "expiry"] == 2
    assert shown["duty_overdue", "VSS", "connect"] == 0
    assert shown["duty_due_timestamp_seconds", "VSS", "connect"] == local("2027-01-01T00:00").timestamp()
    assert ("duty_due_timestamp_seconds", "MOH", "connect") not in shown  # done
    assert shown["duty_total", "MOH", "connect"] == 1
    assert ("duty_total", "MOH", "freshness") not in shown  # it has none


def test_each_agency_shows_its_present_state_alone(engine: Engine) -> None:
    """And a connected one whether it is cleared."""
    shown = {key: value for key, value in refreshed(engine).items() if key[0].startswith("connection")}
    assert shown == {
        ("connection_state", "MOH", "live"): 1,
        ("connection_state", "MPS", "live"): 1,
        ("connection_state", "VSS", "not_connected"): 1,
        ("connection_cleared", "MOH"): 1,
        ("connection_cleared", "MPS"): 1,
    }


def test_what_is_not_scored_has_a_coverage_alone(engine: Engine) -> None:
    """No zero that could be taken for a figure."""
    shown = refreshed(engine)
    traffic = "traffic_under_agreement"
    assert shown["indicator_numerator", "MOH", traffic] == 7
    assert shown["indicator_denominator", "MOH", traffic] == 11
    assert shown["indicator_coverage_ratio", "MOH", traffic] == 1
    assert shown["indicator_target_ratio", "MOH", traffic] == 1
    assert shown["indicator_coverage_ratio", "VSS", "connection"] == 0
    assert ("indicator_numerator", "VSS", "connection") not in shown
    assert ("indicator_denominator", "VSS", "connection") not in shown
    assert ("indicator_coverage_ratio", "VSS", traffic) not in shown  # it does not concern it
    assert ("indicator_numerator", "MPS", "objectives_met") not in shown


def test_objectives_come_from_whoever_measures_them(engine: Engine) -> None:
    """While that has nothing yet, there is no such indicator."""
    assert refreshed(engine, objectives=lambda: None) == refreshed(engine)
    kept = {("AGR-1", "availability"): Kept(10, 1, 0.1), ("AGR-2", "latency"): Kept(10, 0, 0.1)}
    shown = refreshed(engine, objectives=lambda: kept)
    assert shown["indicator_numerator", "MPS", "objectives_met"] == 1
    assert shown["indicator_denominator", "MPS", "objectives_met"] == 2


def test_a_refresh_that_fails_leaves_what_was_shown(engine: Engine) -> None:
    """With its time, so that its age can be told."""
    metrics = DutyMetrics(TERMS, engine)
    metrics.refresh(NOW)
    before = values(metrics)
    assert before[("duties_refresh_timestamp_seconds",)] == NOW.timestamp()
    tables.cells.drop(engine)
    with pytest.raises(DBAPIError):
        metrics.refresh(NOW + timedelta(days=1))
    assert values(metrics) == before


def test_labels_are_bounded_whatever_has_happened(engine: Engine) -> None:
    """By the registry, and by closed sets of words."""
    write_events(
        engine,
        [recorded("requested", "2026-12-01", f"NEW-{number}", request="x") for number in range(50)],
        partition=3,
    )
    write_cell(engine, NOW, "STRANGER", ok=1)
    bounds = {*TERMS.registry.agencies, *DUTIES, *STATES, *INDICATORS}
    assert {label for key in refreshed(engine) for label in key[1:]} <= bounds


def test_every_declared_metric_is_shown(engine: Engine) -> None:
    """None is declared and forgotten."""
    declared = {each.name for each in vars(names).values() if isinstance(each, Declaration)}
    assert {key[0] for key in refreshed(engine)} == declared


def test_an_assessment_is_the_same_however_often_it_is_made(engine: Engine) -> None:
    """It writes nothing, and depends on nothing but the database and the time."""
    with engine.connect() as connection:
        assert assess(connection, TERMS, NOW) == assess(connection, TERMS, NOW)
