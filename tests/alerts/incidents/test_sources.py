"""What opens an incident by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.incidents.model import MAX_ITEMS, MAX_SOURCE
from alerts.incidents.sources import from_alert, from_security_event, with_registry
from alerts.incidents.words import Tier
from monitor.events.kinds import USUAL_SEVERITY
from monitor.events.pseudonym import WITHHELD
from tests.alerts.incidents.parts import event, report, rule
from tests.builders import MOMENT, ZONE, agency, agreement, made, ms


@pytest.mark.parametrize("kind", sorted(USUAL_SEVERITY))
def test_only_an_incident_and_a_confirmed_leak_open_one(kind: str) -> None:
    """Everything else is a sign that rules look for."""
    opened = from_security_event(event(kind=kind)) is not None
    assert opened is (kind in ("incident", "leak_confirmed"))


def test_the_clock_starts_at_the_event_and_the_tier_is_its_severity() -> None:
    """Also where the event gives its time in milliseconds."""
    found = from_security_event(event(time=float(ms(MOMENT)), severity=2, service="a.b", count=1200))
    assert found is not None
    assert (found.detected_at, found.tier, found.records) == (MOMENT, Tier.MINOR, 1200)
    assert (found.services, found.events) == (("a.b",), ("E-1",))


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        ("leak_confirmed", None, "yes"),
        ("incident", None, "unknown"),
        ("leak_confirmed", {"personal_data": False}, "no"),
        ("incident", {"personal_data": "Yes"}, "yes"),
        ("incident", {"personal_data": "perhaps"}, "unknown"),
        ("incident", {"personal_data": 1.5}, "unknown"),
    ],
)
def test_a_confirmed_leak_is_taken_to_concern_personal_data(
    kind: str, detail: dict[str, Any] | None, expected: str
) -> None:
    """Unless the event says otherwise; of other incidents nobody knows yet."""
    found = from_security_event(event(kind=kind, detail=detail))
    assert found is not None
    assert found.personal_data == expected


def test_details_say_how_much_was_lost() -> None:
    """Numbers that are none are left out; one event that counts nothing is not one record."""
    detail = {"records": 50, "persons": -3, "categories": "full_name,,date_of_birth,full_name"}
    found = from_security_event(event(count=7, detail=detail))
    assert found is not None
    assert (found.records, found.persons) == (50, None)
    assert found.categories == ("full_name", "date_of_birth")
    none = from_security_event(event(count=7, detail={"records": 0}))
    assert none is not None
    assert none.records == 0
    plain = from_security_event(event())
    assert plain is not None
    assert plain.records is None


def source(**changes: Any) -> str:
    """The source of an event."""
    found = from_security_event(event(**changes))
    assert found is not None
    return found.source


def test_reports_of_one_incident_have_one_source() -> None:
    """Updates are told by the incident's own id; but a leak confirmed of an incident is news."""
    first = source(name="1", detail={"finding": "F-9"})
    assert source(name="2", detail={"finding": "F-9", "verdict": 2}) == first
    assert source(name="1", kind="incident", detail={"finding": "F-9"}) != first
    assert source(name="1", agency="VSS", detail={"finding": "F-9"}) != first
    assert source(name="1") != source(name="2")
    assert source(name="1") != source(name="1", agency="VSS")


def test_a_withheld_name_names_nothing() -> None:
    """Without a key for pseudonyms, different incidents arrive under one word: none may hide another."""
    assert source(name="1", detail={"finding": WITHHELD}) != source(name="2", detail={"finding": WITHHELD})


def test_an_id_of_any_length_makes_a_source_that_fits() -> None:
    """And one that still tells incidents apart."""
    long = [source(name="x" * 199 + str(n), agency="A" * 200) for n in range(3)]
    assert len(set(long)) == 3
    assert max(map(len, long)) <= MAX_SOURCE


def test_an_alert_opens_an_incident_only_where_its_rule_is_on_leaks() -> None:
    """The rule's title in both languages is what is known; whether it was personal data is not."""
    assert from_alert(rule(leak=False), "MOH", "a1/1", ms(MOMENT)) is None
    found = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), services=["a.b"], events=["E-1", "E-1"])
    assert found is not None
    assert (found.source, found.alerts, found.events) == ("alert:a1/1", ("a1/1",), ("E-1",))
    assert (found.tier, found.personal_data, found.detected_at) == (Tier.SERIOUS, "unknown", MOMENT)
    assert (found.what, found.slots["what_vi"]) == ("Bulk export", "Trích xuất dữ liệu hàng loạt")


def test_lists_are_bounded() -> None:
    """An alert with thousands of events names the first."""
    found = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=[f"E-{n}" for n in range(1000)])
    assert found is not None
    assert len(found.events) == MAX_ITEMS


def test_text_that_no_database_takes_is_made_storable() -> None:
    """NUL and half a pair of surrogates arrive from hostile senders."""
    found = from_security_event(event(service="a\0b\ud800"))
    assert found is not None
    assert found.services == ("ab?",)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", " x ", " ", "\0", "x" * 199 + "\0"])
def test_the_alert_on_an_event_of_any_id_belongs_to_it(name: str) -> None:
    """Its key is made of the id as it came, and no database refuses it; blank names are not shown."""
    itself, updated = source(name=name), source(name="1", detail={"finding": f"F{name}"})
    found = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=[name, name, ""])
    assert found is not None
    assert found.aliases == (itself,)
    assert "" not in found.events
    for key in (itself, updated):
        assert "\0" not in key
        assert key.encode().decode() == key
        assert len(key) <= MAX_SOURCE


def test_the_registry_adds_agreements_in_force_and_fields() -> None:
    """At the time of detection, under the agency's present code; what was given stays."""
    bodies = [agency("MPS"), agency("MOH", previous_codes=["OLD"]), agency("VSS")]
    registry = made(agreement(), agencies=bodies)
    name = "population.verify-identity"
    found = with_registry(report(agency="OLD", services=(name, "no.such")), registry, ZONE)
    assert (found.agency, found.agreements) == ("MOH", ("AGR-1",))
    assert found.categories == ("full_name", "date_of_birth", "sex")
    eve = datetime(2025, 12, 31, 16, 59, tzinfo=UTC)
    before = report(services=(name,), categories=("sex",), detected_at=eve)
    kept = with_registry(before, registry, ZONE)
    assert (kept.agreements, kept.categories) == ((), ("sex",))
    # 1 January in the zone, and still December in UTC: the agreement is in force.
    begun = report(services=(name,), detected_at=datetime(2025, 12, 31, 17, 0, tzinfo=UTC))
    assert with_registry(begun, registry, ZONE).agreements == ("AGR-1",)
