"""Every field of an agreement is monitored, unmonitored or descriptive, and each agreement lists its own."""

from __future__ import annotations

from monitor.duties.item import DUTIES
from monitor.judging.breach import Breach
from monitor.objectives.slo import SLOS
from monitor.registry.model import Agreement, Service
from monitor.reports.clauses import DESCRIPTIVE, MONITORED, UNMONITORED, clauses, leaves
from monitor.reports.texts.catalogue import CATALOGUE
from tests.builders import agreement, service


def test_every_field_is_in_exactly_one_table() -> None:
    """Whoever adds a field to agreements decides whether something watches it."""
    tables = (MONITORED.keys(), UNMONITORED.keys(), DESCRIPTIVE)
    named = [path for table in tables for path in table]
    assert sorted(named) == sorted(set(named))
    assert sorted(named) == sorted(leaves(Agreement))


def test_checks_that_are_named_exist() -> None:
    """A breach, an objective or a duty."""
    assert set(MONITORED.values()) <= {*Breach, *SLOS, *DUTIES}


def test_clauses_have_names_in_both_languages() -> None:
    """Those that agreements list."""
    everything = agreement(
        hours={"days": ["mon"], "from": "07:00", "until": "17:00"},
        ceilings={"calls_per_day": 100, "records_per_call": 5},
        fields=["full_name"],
        procedures=["1.001"],
        ended="2026-06-30",
        dates={"review": "2026-06-01"},
        case_required=True,
        signature_required=True,
        objectives={
            "availability": 0.99, "latency": {"limit_ms": 100}, "errorRate": 0.01, "frequency": "P1D",
            "retention": "P30D", "timeToNotify": "PT15M",
        },
        allowed_systems=["a"],
        security_level=3,
        onward_sharing=False,
        impact_assessment="X",
        security_clearance="Y",
    )  # fmt: skip
    found = clauses(Agreement.model_validate(everything), Service.model_validate(service()))
    for name in (*found.monitored, *found.unmonitored):
        assert f"clause.{name}" in CATALOGUE, name
    assert set(UNMONITORED) <= set(found.unmonitored)


def test_only_what_an_agreement_states_is_listed() -> None:
    """A plain one states its purposes; what its service states holds for it too."""
    plain = clauses(Agreement.model_validate(agreement()), Service.model_validate(service()))
    assert (plain.monitored, plain.unmonitored) == (("purposes",), ())
    offered = service(objectives={"retention": "P30D", "availability": 0.99})
    stated = clauses(Agreement.model_validate(agreement()), Service.model_validate(offered))
    assert stated.unmonitored == ("objectives.retention",)
    assert "objectives.availability" in stated.monitored


def test_freshness_is_monitored_where_data_is_synchronised_only() -> None:
    """The answer to a query is as new as the query: an agreed frequency for it is checked by nothing."""
    stated = Agreement.model_validate(agreement(objectives={"frequency": "P1D"}))
    for method, unmonitored in (("query", ("objectives.frequency",)), ("sync", ())):
        assert clauses(stated, Service.model_validate(service(method=method))).unmonitored == unmonitored
