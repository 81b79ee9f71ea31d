"""Objectives that could never alert are refused, with the reason; each case is one rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.objectives.burning import BURN_RATES, REQUIRED, limit, never_burns
from tests.monitor.registry.writing import SERVICES, agreement, problems_of, refusals, service, write_folder

SYNC = service("population.sync", method="sync")


def own(**objectives: Any) -> list[str]:
    """What is refused of an agreement with objectives of its own, on a query service."""
    return refusals(agreement(objectives=objectives))


def copied(frequency: str, **changes: Any) -> list[str]:
    """What is refused of an agreement on a synchronisation."""
    one = agreement(service="population.sync", objectives={"frequency": frequency}, **changes)
    return refusals(one, services=(*SERVICES, SYNC))


@pytest.mark.parametrize(
    ("objectives", "refusal"),
    [
        (
            {"availability": 0.93},
            "objectives.availability: 0.93 could never alert: 14.4 times as many bad exchanges as it allows "
            "are more than there are exchanges; write one above 0.9306",
        ),
        (
            {"latency": {"limit_ms": 500, "ratio": 0.8}},
            "objectives.latency.ratio: 0.8 could never alert: 6 times as many bad exchanges as it allows "
            "are more than there are exchanges; write one above 0.8334",
        ),
        (
            {"errorRate": 0.07},
            "objectives.errorRate: 0.07 could never alert: 14.4 times as many bad exchanges as it allows "
            "are more than there are exchanges; write one below 0.0694",
        ),
        (
            {"frequency": "P1D"},
            "objectives.frequency: could never alert: population.verify-identity is a query, and only the "
            "data of package, sync, sync-general can be too old",
        ),
    ],
)
def test_an_objective_that_could_never_alert_is_refused(objectives: dict[str, Any], refusal: str) -> None:
    """Of an agreement and of a service alike."""
    assert own(**objectives) == [refusal]
    assert refusals(services=(service(objectives=objectives), *SERVICES[1:])) == [refusal]


@pytest.mark.parametrize(
    "objectives",
    [
        {"availability": 0.9306},
        {"availability": 0.99999},
        {"latency": {"limit_ms": 500, "ratio": 0.8334}},
        {"latency": {"limit_ms": 500}},
        {"errorRate": 0.0694},
    ],
)
def test_what_a_message_recommends_is_accepted(objectives: dict[str, Any]) -> None:
    """On the reachable side of each limit."""
    assert own(**objectives) == []


def test_the_limit_is_where_all_exchanges_are_bad() -> None:
    """At the factor that must be within reach, nothing is faster than everything failing."""
    for slo, required in REQUIRED.items():
        assert never_burns(slo, limit(slo) - 1e-9)
        assert not never_burns(slo, limit(slo) + 1e-9)
        slower = [each for each in BURN_RATES if each.factor <= required.factor]
        assert all(each.factor * (1 - limit(slo)) <= 1 + 1e-9 for each in slower)


@pytest.mark.parametrize(
    ("name", "objective"),
    [("availability", 0.99), ("latency", {"limit_ms": 500}), ("errorRate", 0.01)],
)
def test_an_objective_with_fewer_calls_than_must_be_bad_is_refused(name: str, objective: Any) -> None:
    """Four calls a day can never be five bad ones within the windows that must alert; five can."""
    for ceiling, refused in ((4, True), (5, False), (None, False)):
        ceilings = {"calls_per_day": ceiling} if ceiling else {}
        found = refusals(agreement(ceilings=ceilings, objectives={name: objective}))
        reason = (
            f"objectives.{name}: could never alert: it takes 5 bad exchanges, and calls_per_day is 4; "
            "leave it out, or raise the ceiling"
        )
        assert found == ([reason] if refused else [])


def test_an_objective_taken_over_from_the_service_is_no_mistake_of_the_agreement() -> None:
    """It is right for others, and few calls are what this one needs."""
    services = (service(objectives={"availability": 0.99}), *SERVICES[1:])
    assert refusals(agreement(ceilings={"calls_per_day": 1}), services=services) == []


def test_an_age_that_the_agreement_ends_before_is_refused() -> None:
    """A year of data age in an agreement of one year."""
    assert copied("P364D") == []
    assert copied("P365D") == [
        "objectives.frequency: could never alert: the data may be 365 days old, "
        "and the agreement is in force for 365 days"
    ]


def test_file_line_and_record_are_named(tmp_path: Path) -> None:
    """As for everything else that is wrong with a registry."""
    folder = write_folder(tmp_path, agreements=agreement("AGR-7", objectives={"availability": 0.5}))
    (problem,) = problems_of(folder)
    assert (problem.file, problem.field, problem.record) == (
        "agreements/all.yaml",
        "objectives.availability",
        "AGR-7",
    )
    lines = (folder / problem.file).read_text(encoding="utf-8").splitlines()
    assert problem.line is not None
    assert lines[problem.line - 1].strip() == "availability: 0.5"
