"""What Prometheus reads about exchanges: names, labels and figures as the contract has them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell, microseconds
from monitor.ledger.histogram import bucket_of
from monitor.metrics.ledger import BOUNDS_S, LedgerMetrics
from monitor.metrics.own import OwnMetrics
from monitor.metrics.weighted import WeightedHistogram, quantile
from tests.builders import MOMENT, PAIR

# Neither has types.
openmetrics: Any = exposition.generate_latest
parse_openmetrics: Any = parser.text_string_to_metric_families
LABELS = dict(zip(("provider", "consumer", "service"), PAIR, strict=True))
AGREED = Terms(PAIR, agreement="AGR-1", version=1, latency_limit_ms=100.0)


@dataclass
class Added:
    """What a transaction added."""

    additions: list[tuple[Terms, Cell]]
    breaches: list[tuple[Pair, Breach, int]]
    ids_shortened: int = 0


def cell(durations_us: Iterable[int] = (), **counts: Any) -> Cell:
    """A cell whose newest exchange is MOMENT."""
    one = Cell(**counts, last_time=MOMENT)
    for us in durations_us:
        one.ok += 1
        one.duration_us += us
        bucket = bucket_of(us)
        one.latency[bucket] = one.latency.get(bucket, 0) + 1
    return one


def exposed(counted: LedgerMetrics) -> CollectorRegistry:
    """A registry with these metrics."""
    registry = CollectorRegistry()
    registry.register(counted)
    return registry


def counting(
    *cells: Cell, terms: Terms = AGREED, breaches: int = 0
) -> tuple[LedgerMetrics, CollectorRegistry]:
    """Metrics to which a transaction was added."""
    counted = LedgerMetrics()
    found = [(terms.pair, Breach.UNSIGNED, breaches)] if breaches else []
    counted.add(Added([(terms, each) for each in cells], found))
    return counted, exposed(counted)


def test_the_names_and_labels_are_those_of_the_contract() -> None:
    """Dashboards, rules and other systems read them."""
    counted, registry = counting(cell([1000]), breaches=1)
    OwnMetrics.create(registry)
    del counted
    families = parse_text(generate_latest(registry).decode())
    labels = {family.name: {frozenset(sample.labels) for sample in family.samples} for family in families}
    pair = frozenset(LABELS)
    expected = {
        "datashare_exchanges": {pair},
        "datashare_exchange_failures": {pair | {"outcome"}},
        "datashare_records": {pair},
        "datashare_request_bytes": {pair},
        "datashare_response_bytes": {pair},
        "datashare_exchange_duration_seconds": {
            frozenset({"provider", "service"}),
            frozenset({"provider", "service", "le"}),
        },
        "datashare_breaches": {pair | {"breach"}},
        "datashare_slo_events": {frozenset({"agreement", "slo"})},
        "datashare_slo_bad_events": {frozenset({"agreement", "slo"})},
        "datashare_last_exchange_timestamp_seconds": {pair},
        "datashare_duplicates": {frozenset()},
        "datashare_late_events": {frozenset()},
    }
    for name, sets in expected.items():
        assert labels[name] == sets, name
    for name in (
        "dead_letters",
        "commit_duration_seconds",
        "event_age_seconds",
        "consumer_lag_records",
        "build_info",
    ):
        assert f"datashare_{name}" in labels


def test_counts_are_sums_over_what_was_committed() -> None:
    """By pair and outcome; the three ways to fail are there from the start, at zero."""
    counted, registry = counting(
        cell(ok=2, fault=1, records=7, request_bytes=10, response_bytes=20, duplicates=3, late=1),
        cell(ok=1, timeout=4, denied=2, records=1),
        breaches=5,
    )

    def value(name: str, **more: str) -> float | None:
        return registry.get_sample_value(f"datashare_{name}", {**LABELS, **more})

    assert value("exchanges_total") == 10
    assert [value("exchange_failures_total", outcome=each) for each in ("fault", "denied", "timeout")] == [
        1,
        2,
        4,
    ]
    assert (value("records_total"), value("request_bytes_total"), value("response_bytes_total")) == (
        8,
        10,
        20,
    )
    assert value("breaches_total", breach="unsigned") == 5
    assert value("last_exchange_timestamp_seconds") == MOMENT.timestamp()
    assert registry.get_sample_value("datashare_duplicates_total") == 3
    assert registry.get_sample_value("datashare_late_events_total") == 1
    totals = counted.totals()
    assert (totals.exchanges, totals.failures, totals.breaches, totals.duplicates, totals.late) == (
        10,
        5,
        5,
        3,
        1,
    )


def test_an_hour_of_duplicates_is_no_exchange() -> None:
    """The pair does not even appear."""
    _, registry = counting(Cell(duplicates=4))
    assert registry.get_sample_value("datashare_exchanges_total", LABELS) is None
    assert registry.get_sample_value("datashare_duplicates_total") == 4


def test_availability_counts_answers_and_latency_counts_successes() -> None:
    """A denial is neither good nor bad; slow is what took longer than agreed; no limit, no latency."""

    def slo(registry: CollectorRegistry, name: str) -> tuple[float | None, ...]:
        labels = {"agreement": "AGR-1", "slo": name}
        return tuple(
            registry.get_sample_value(f"datashare_slo_{each}_total", labels)
            for each in ("events", "bad_events")
        )

    some = cell(ok=90, fault=3, timeout=2, denied=5, slow=7)
    _, registry = counting(some)
    assert slo(registry, "availability") == (95, 5)
    assert slo(registry, "latency") == (90, 7)
    _, registry = counting(some, terms=Terms(PAIR, agreement="AGR-1"))
    assert slo(registry, "latency") == (None, None)
    _, registry = counting(some, terms=Terms(PAIR, standing=Breach.AGREEMENT_INACTIVE, agreement="AGR-1"))
    assert slo(registry, "availability") == (None, None)


DURATIONS = st.lists(
    st.integers(0, 200_000_000) | st.sampled_from([2**e + d for e in range(9, 29) for d in (-1, 0, 1)]),
    max_size=30,
)


@given(DURATIONS)
def test_the_buckets_count_exactly(durations: list[int]) -> None:
    """Event by event: how many took no longer than the bound that the label states, digit for digit."""
    _, registry = counting(cell(durations))
    text = generate_latest(registry).decode()
    if not durations:
        assert "datashare_exchange_duration_seconds_bucket" not in text
        return
    for family in parse_text(text):
        for sample in family.samples:
            if sample.name.endswith("duration_seconds_bucket"):
                bound_us = float(sample.labels["le"]) * 1e6
                assert sample.value == sum(us <= bound_us + 1e-6 for us in durations), sample
    labels = {"provider": PAIR.provider, "service": PAIR.service}
    assert registry.get_sample_value("datashare_exchange_duration_seconds_count", labels) == len(durations)
    total = registry.get_sample_value("datashare_exchange_duration_seconds_sum", labels)
    assert total == pytest.approx(sum(durations) / 1e6)


def test_the_bounds_are_powers_of_two_microseconds() -> None:
    """Edges of the ledger's own buckets, written out in full."""
    _, registry = counting(cell([1]))
    les = {
        sample.labels["le"]
        for family in parse_text(generate_latest(registry).decode())
        for sample in family.samples
        if "le" in sample.labels
    }
    assert les == {repr(2**exponent / 1e6) for exponent in range(10, 27)} | {"+Inf"}
    assert math.isclose(BOUNDS_S[0], 0.001024)
    assert math.isclose(BOUNDS_S[-1], 67.108864)
    assert microseconds(BOUNDS_S[-1] * 1000) == 2**26


HOSTILE = ['quo"te', "back\\slash", "line\nbreak", "b\\nn", "ữ", "{le=1}", "# HELP", " "]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_values(name: str) -> None:
    """In both formats, a name comes back as it was and opens no second series."""
    _, registry = counting(cell([5]), terms=Terms(Pair(name, "MOH", name)))
    for text, parse in (
        (generate_latest(registry), parse_text),
        (openmetrics(registry), parse_openmetrics),
    ):
        samples = [
            one
            for family in parse(text.decode())
            for one in family.samples
            if one.name == "datashare_exchanges_total"
        ]
        assert [one.labels for one in samples] == [{"provider": name, "consumer": "MOH", "service": name}]


def test_both_formats_can_be_read() -> None:
    """Everything a worker exposes, by the strict reader of each format."""
    _, registry = counting(cell([5, 10**6]), breaches=2)
    own = OwnMetrics.create(registry)
    own.event_age.observe(0.3, 7)
    own.dead_letters.labels("exchanges", "not_json").inc()
    assert list(parse_text(generate_latest(registry).decode()))
    assert list(parse_openmetrics(openmetrics(registry).decode()))


def test_a_snapshot_does_not_change_any_more() -> None:
    """It is a copy; what comes later is in the next."""
    counted, _ = counting(cell([1000]), breaches=1)
    before = counted.snapshot()
    counted.add(Added([(AGREED, cell([1000]))], []))
    assert before.totals.exchanges == before.pairs[PAIR].exchanges == 1
    assert before.durations_us == {(PAIR.provider, PAIR.service): 1000}
    assert before.breaches == {(PAIR, Breach.UNSIGNED): 1}
    assert counted.snapshot().pairs[PAIR].exchanges == 2


def test_a_weighted_histogram_counts_each_observation_so_often() -> None:
    """On the edge is within; above the last bound is the open bucket; the sum is weighted too."""
    histogram = WeightedHistogram("age_seconds", "help", [1.0, 2.0])
    for value, weight in ((0.5, 3), (1.0, 2), (1.5, 1), (9.0, 4)):
        histogram.observe(value, weight)
    assert histogram.counts() == (5, 1, 4)
    registry = CollectorRegistry()
    registry.register(histogram)
    assert registry.get_sample_value("age_seconds_bucket", {"le": "2.0"}) == 6
    assert registry.get_sample_value("age_seconds_count") == 10
    assert registry.get_sample_value("age_seconds_sum") == pytest.approx(41.0)


def test_a_share_is_spread_evenly_within_its_bucket() -> None:
    """As Prometheus estimates it; the open bucket is told as its lower bound."""
    assert quantile([1.0, 2.0], [0, 4, 0], 0.5) == pytest.approx(1.5)
    assert quantile([1.0, 2.0], [4, 0, 0], 0.25) == pytest.approx(0.25)
    assert quantile([1.0, 2.0], [0, 0, 3], 0.9) == 2.0
    assert quantile([1.0, 2.0], [0, 0, 0], 0.9) is None
