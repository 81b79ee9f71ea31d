"""Counters of objectives are there from the start: for what exchanges of today can be counted under."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from monitor.ledger.cell import Cell
from monitor.metrics.ledger import LedgerMetrics
from monitor.objectives.measured import MeasuredToday
from tests.builders import MOMENT, PAIR, ZONE, agreement, book_of, made
from tests.monitor.metrics.test_ledger import Added
from tests.monitor.registry.writing import Values

ALL = {"availability": 0.99, "errorRate": 0.02, "latency": {"limit_ms": 250}}


def added(said: Values, **counts: Any) -> Added:
    """What a transaction with these exchanges of the agreement's pair adds."""
    hour = int(MOMENT.timestamp()) // 3600 * 3600
    return Added([(book_of(said).terms(*PAIR, hour), Cell(**counts, last_time=MOMENT))], [])


def measured(*agreements: Values, at: datetime = MOMENT) -> set[tuple[str, str]]:
    """What is measured at a moment."""
    return set(MeasuredToday(made(*agreements), ZONE, lambda: at)())


@pytest.mark.parametrize("objectives", [{}, {"availability": 0.99}, ALL])
def test_it_names_what_an_exchange_is_then_counted_under(objectives: Values) -> None:
    """No more and no less: a series that appears later would hide its first events."""
    said = agreement(objectives=objectives)
    counted = LedgerMetrics()
    counted.add(added(said, ok=1))
    shown = {
        (sample.labels["agreement"], sample.labels["slo"])
        for family in counted.collect()
        for sample in family.samples
        if sample.name == "datashare_slo_events_total"
    }
    assert shown == measured(said)


def test_only_agreements_that_permit_something_today_are_named() -> None:
    """The others' exchanges are breaches, and count for no objective."""
    assert measured(agreement(status="suspended")) == set()
    assert measured(agreement(status="draft")) == set()
    assert measured(agreement(start="2026-12-01")) == set()
    assert measured(agreement(end="2026-10-04")) == set()
    assert measured(agreement(status="registered")) == {("AGR-1", "availability")}


def test_a_new_day_brings_its_agreements_without_a_restart() -> None:
    """At local midnight."""
    now = datetime(2026, 10, 4, 23, 59, tzinfo=ZONE)
    asked = MeasuredToday(made(agreement(start="2026-10-05")), ZONE, lambda: now)
    assert asked() == set()
    now += timedelta(minutes=1)
    assert asked() == {("AGR-1", "availability")}


def test_they_are_exposed_at_zero_and_counted_on() -> None:
    """Before the first exchange there are both counters; afterwards there is no second series."""
    said = agreement(objectives=ALL)
    counted = LedgerMetrics(MeasuredToday(made(said), ZONE, lambda: MOMENT))
    exposed = CollectorRegistry()
    exposed.register(counted)
    labels = {"agreement": "AGR-1", "slo": "availability"}
    for name in ("datashare_slo_events_total", "datashare_slo_bad_events_total"):
        assert exposed.get_sample_value(name, labels) == 0
    counted.add(added(said, fault=1))
    for name in ("datashare_slo_events_total", "datashare_slo_bad_events_total"):
        assert exposed.get_sample_value(name, labels) == 1
