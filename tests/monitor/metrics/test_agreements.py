"""What Prometheus reads about agreements: where they stand on the local day of the scrape."""

from __future__ import annotations

from datetime import datetime

import pytest
from prometheus_client import CollectorRegistry

from monitor.metrics.agreements import AgreementMetrics
from monitor.objectives.burning import MIN_BAD_EVENTS
from tests.builders import SERVICES, ZONE, agreement, made, service
from tests.monitor.registry.writing import Values

LATENCY = {"latency": {"limit_ms": 250, "ratio": 0.9}}


def scrape(at: str, *agreements: Values, **registry: object) -> CollectorRegistry:
    """What is exposed at a local time."""
    exposed = CollectorRegistry()
    now = datetime.fromisoformat(at).replace(tzinfo=ZONE)
    exposed.register(AgreementMetrics(made(*agreements, **registry), ZONE, lambda: now))
    return exposed


def info(exposed: CollectorRegistry) -> set[tuple[str, str, str]]:
    """Agreement, version and status of all that are shown."""
    return {
        (sample.labels["agreement"], sample.labels["version"], sample.labels["status"])
        for family in exposed.collect()
        for sample in family.samples
        if sample.name == "datashare_agreement_info"
    }


def test_the_version_in_force_is_that_of_the_local_day() -> None:
    """The next takes over at local midnight, without a restart."""
    versions = (agreement(ended="2026-06-15"), agreement(version=2, start="2026-06-16", status="suspended"))
    assert info(scrape("2026-06-15T23:59", *versions)) == {("AGR-1", "1", "active")}
    assert info(scrape("2026-06-16T00:00", *versions)) == {("AGR-1", "2", "suspended")}
    assert info(scrape("2025-12-31T23:59", *versions)) == set()


def test_a_version_that_ran_out_is_shown_until_another_is_in_force() -> None:
    """With its end in the past, so that an alert can say that it has expired; a draft changes nothing."""
    versions = (
        agreement(ended="2026-06-15", dates={"review": "2026-06-01"}, objectives=LATENCY),
        agreement(version=2, start="2026-06-16", end="2026-12-31", status="draft"),
        agreement("AGR-2", start="2026-08-01", end="2026-08-31"),
    )
    assert info(scrape("2026-06-15T23:59", *versions)) == {("AGR-1", "1", "active")}
    assert info(scrape("2026-06-16T00:00", *versions)) == {("AGR-1", "1", "expired")}
    assert info(scrape("2026-08-01T00:00", *versions)) == {("AGR-2", "1", "active")}
    assert info(scrape("2029-01-01T00:00", *versions)) == {("AGR-2", "1", "expired")}
    ended = scrape("2026-07-01T00:00", *versions)
    samples = {
        sample.name: sample.value
        for family in ended.collect()
        for sample in family.samples
        if sample.name != "datashare_agreement_info"
    }
    end = datetime(2026, 6, 16, tzinfo=ZONE).timestamp()
    assert samples == {"datashare_agreement_expiry_timestamp_seconds": end}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("active", "expired"),
        ("registered", "expired"),
        ("suspended", "suspended"),
        ("terminated", "terminated"),
    ],
)
def test_what_was_stopped_on_purpose_has_not_expired(status: str, shown: str) -> None:
    """It keeps its status when its days are over."""
    stopped = agreement(status=status, ended="2026-06-15")
    assert info(scrape("2026-06-15T12:00", stopped)) == {("AGR-1", "1", status)}
    assert info(scrape("2026-06-16T12:00", stopped)) == {("AGR-1", "1", shown)}


def test_a_draft_is_shown_and_ends_nothing() -> None:
    """Where nothing was ever agreed; it has neither an end nor objectives."""
    drafted = scrape("2026-06-01T12:00", agreement(status="draft", objectives=LATENCY))
    assert info(drafted) == {("AGR-1", "1", "draft")}
    assert sum(len(family.samples) for family in drafted.collect()) == 1
    assert info(scrape("2027-06-01T12:00", agreement(status="draft"))) == set()


def test_what_was_terminated_from_its_start_owes_no_review_and_has_no_objectives() -> None:
    """It permits nothing, though its days are not over."""
    stopped = agreement(status="terminated", dates={"review": "2026-06-01"}, objectives=LATENCY)
    exposed = scrape("2026-06-15T12:00", stopped)
    assert info(exposed) == {("AGR-1", "1", "terminated")}
    names = {sample.name for family in exposed.collect() for sample in family.samples}
    assert names == {"datashare_agreement_info", "datashare_agreement_expiry_timestamp_seconds"}


def test_it_ends_when_its_last_day_ends() -> None:
    """Local midnight after the last day; the review is due when its day begins."""
    exposed = scrape("2026-05-01T12:00", agreement(ended="2026-06-15", dates={"review": "2026-06-01"}))

    def value(name: str) -> float | None:
        return exposed.get_sample_value(
            f"datashare_agreement_{name}_timestamp_seconds", {"agreement": "AGR-1"}
        )

    assert value("expiry") == datetime(2026, 6, 16, tzinfo=ZONE).timestamp()
    assert value("review") == datetime(2026, 6, 1, tzinfo=ZONE).timestamp()


def test_objectives_come_from_the_agreement_or_else_from_the_service() -> None:
    """Each with the least number of bad exchanges; without an objective there is no series."""
    services = (service(objectives={"availability": 0.99, **LATENCY}), SERVICES[1])
    own = agreement(objectives={"availability": 0.999})

    def objectives(exposed: CollectorRegistry) -> list[float | None]:
        return [
            exposed.get_sample_value(f"datashare_slo_{name}", {"agreement": "AGR-1", "slo": slo})
            for slo in ("availability", "latency")
            for name in ("objective_ratio", "min_bad_events")
        ]

    assert objectives(scrape("2026-05-01T12:00", own, services=services)) == [
        0.999,
        MIN_BAD_EVENTS,
        0.9,
        MIN_BAD_EVENTS,
    ]
    assert objectives(scrape("2026-05-01T12:00", agreement(), services=services))[0] == 0.99
    assert objectives(scrape("2026-05-01T12:00", agreement())) == [None] * 4
