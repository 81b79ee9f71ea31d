"""The indicators of agencies: what is counted, and what is not scored instead of zero."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from monitor.duties.assess import duties
from monitor.duties.facts import LedgerFacts, Traffic
from monitor.indicators.agencies import INDICATORS, ByAgency, agency_indicators
from monitor.indicators.indicator import combined
from monitor.indicators.objectives import Met, met_by_provider
from tests.builders import agency, agreement, made, service
from tests.monitor.duties.parts import at, local, recorded

VERIFY = "population.verify-identity"


def indicators(
    facts: LedgerFacts | None = None, *agreements: Any, objectives: dict[str, Met] | None = None, **given: Any
) -> ByAgency:
    """The indicators on 1 November 2026."""
    situation = at("2026-11-01", *(agreements or (agreement(),)), facts=facts, **given)
    return agency_indicators(situation, duties(situation), objectives)


def counts(found: ByAgency, code: str, name: str) -> tuple[int, int, int]:
    """Numerator, denominator and eligible."""
    one = found[code][name]
    return one.numerator, one.denominator, one.eligible


def test_every_agency_has_every_indicator_with_its_target() -> None:
    """Those of objectives only where something is known of them."""
    found = indicators(objectives={})
    assert {code: tuple(each) for code, each in found.items()} == dict.fromkeys(
        ("MOH", "MPS", "VSS"), INDICATORS
    )
    assert "objectives_met" not in indicators()["MOH"]
    assert found["MOH"]["duties_on_time"].target == 0.8


def test_who_is_not_connected_is_scored_in_nothing() -> None:
    """Absent, never zero; and it lowers the coverage of what concerns it."""
    agencies = [agency("MPS"), agency("MOH", connection={"state": "not-connected"}), agency("VSS")]
    facts = LedgerFacts(traffic={"MOH": Traffic(10, 10, 5)})
    found = indicators(facts, agencies=agencies)
    assert all(one.ratio is None for one in found["MOH"].values())
    assert found["MOH"]["connection"].coverage == 0
    assert counts(found, "MOH", "traffic_under_agreement") == (0, 0, 10)
    assert found["MOH"]["duties_on_time"].eligible > 0
    together = combined([each["connection"] for each in found.values()])
    assert (together.ratio, together.coverage) == (1.0, 2 / 3)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("registered", (0, 1, 1)),
        ("sandbox", (0, 1, 1)),
        ("cleared", (0, 1, 1)),
        ("suspended", (0, 1, 1)),
        ("live", (1, 1, 1)),
        ("not-connected", (0, 0, 1)),
    ],
)
def test_connection_is_one_where_it_is_live(state: str, expected: tuple[int, int, int]) -> None:
    """What is under way is scored, and not there yet."""
    found = indicators(agencies=[agency("MPS"), agency("MOH", connection={"state": state}), agency("VSS")])
    assert counts(found, "MOH", "connection") == expected


def test_live_without_clearance_is_not_there_yet() -> None:
    """Although the state is live."""
    agencies = [agency("MPS"), agency("MOH", connection={"state": "sandbox"}), agency("VSS")]
    found = indicators(agencies=agencies, events=[recorded("went_live", "2026-10-01")])
    assert counts(found, "MOH", "connection") == (0, 1, 1)


SERVICES = [service(), service("population.other"), service("population.to-come", since="2027-01-01")]


def test_services_count_when_they_were_answered() -> None:
    """Of those that somebody may use; the others are not scored, and those to come are not there yet."""
    for answered, used in ((3, 1), (0, 0)):
        found = indicators(LedgerFacts(answered={VERIFY: answered}), services=SERVICES)
        assert counts(found, "MPS", "services_used") == (used, 1, 2)
    assert found["MPS"]["services_used"].coverage == 0.5
    assert not found["MOH"]["services_used"].concerns


def test_a_service_that_nobody_can_use_is_not_scored() -> None:
    """Its only consumer is not live, its agreement is not in force, or its provider is not live."""
    facts = LedgerFacts(answered={VERIFY: 3})
    away = [agency("MPS"), agency("MOH", connection={"state": "cleared"}), agency("VSS")]
    assert counts(indicators(facts, agencies=away), "MPS", "services_used") == (0, 0, 1)
    ended = agreement(end="2026-10-31")
    assert counts(indicators(facts, ended), "MPS", "services_used") == (0, 0, 1)
    off = [agency("MPS", connection={"state": "suspended"}), agency("MOH"), agency("VSS")]
    assert counts(indicators(facts, agencies=off), "MPS", "services_used") == (0, 0, 1)


def test_traffic_is_a_share_of_what_could_be_judged() -> None:
    """Of a consumer that exchanged nothing, nothing is said."""
    found = indicators(LedgerFacts(traffic={"MOH": Traffic(100, 80, 60)}))
    one = found["MOH"]["traffic_under_agreement"]
    assert (one.ratio, one.coverage, one.met) == (0.75, 0.8, False)
    assert not found["VSS"]["traffic_under_agreement"].concerns


def test_duties_are_on_time_unless_overdue_or_late() -> None:
    """MOH: connected, an agreement to renew, three requests."""
    events = [
        *(recorded("requested", "2026-10-01", request=number, limit="simple") for number in "abc"),
        recorded("answered", "2026-10-02", request="a"),
        recorded("answered", "2026-10-30", request="b"),
    ]
    assert counts(indicators(events=events), "MOH", "duties_on_time") == (3, 5, 5)


class Kept(NamedTuple):
    """How an objective was kept."""

    events: int
    bad: int
    allowed: float


def test_objectives_are_counted_by_provider() -> None:
    """Met when no more than allowed was bad; without exchanges neither met nor missed."""
    registry = made(agreement(), agreement("AGR-2", provider="VSS", service="insurance.verify-insured"))
    kept = {
        ("AGR-1", "availability"): Kept(300, 3, (1 - 0.99) * 300),
        ("AGR-1", "latency"): Kept(300, 31, 30.0),
        ("AGR-1", "error_rate"): Kept(0, 0, 0.0),
        ("AGR-2", "availability"): Kept(10, 1, (1 - 0.9) * 10),  # a little less than 1, as floats have it
        ("AGR-9", "availability"): Kept(1, 0, 0.01),
    }
    met = met_by_provider(registry, kept)
    assert met == {"MPS": Met(1, 2, 3), "VSS": Met(1, 1, 1)}
    found = indicators(objectives=met)
    assert counts(found, "MPS", "objectives_met") == (1, 2, 3)
    assert not found["MOH"]["objectives_met"].concerns


def test_a_former_code_changes_nothing() -> None:
    """Agreements under the former code of a provider are its own."""
    agencies = [agency("MPS", previous_codes=["POLICE"]), agency("MOH"), agency("VSS")]
    facts = LedgerFacts(answered={VERIFY: 1}, observed_since=local("2026-10-20"))
    former = indicators(facts, agreement(provider="POLICE"), agencies=agencies)
    assert former == indicators(facts)
