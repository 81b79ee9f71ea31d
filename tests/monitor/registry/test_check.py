"""Records that are right by themselves and do not fit together; each case is one rule."""

from __future__ import annotations

import pytest

from tests.monitor.registry.writing import AGENCIES, SERVICES, Values, agency, agreement, refusals, service

MERGED = agency("MOF", previous_codes=["MPI"])


def test_records_that_fit_together_are_accepted() -> None:
    """The records of these tests are right until a test changes them."""
    assert refusals(agreement()) == []


@pytest.mark.parametrize(
    ("agencies", "refusal"),
    [
        ([agency("MOH")], "code: MOH is there already"),
        ([MERGED, agency("MPI")], "previous_codes[0]: MPI is the code of MPI"),
        ([MERGED, agency("MOJ", previous_codes=["MPI"])], "previous_codes[0]: MPI is a previous code of MOF"),
        ([agency("MOF", previous_codes=["MOF"])], "previous_codes[0]: MOF is the code of MOF"),
        ([agency("TAX", parent="MOX")], "parent: there is no agency MOX"),
        ([agency("TAX", parent="TAX")], "parent: is under itself: TAX under TAX"),
    ],
)
def test_agencies_that_do_not_fit_are_refused(agencies: list[Values], refusal: str) -> None:
    """Codes, present and previous, are one name space, and a parent is another agency."""
    (found,) = refusals(agencies=[*AGENCIES, *agencies])
    assert found.startswith(refusal)


def test_a_cycle_of_parents_is_refused_for_each_of_its_members() -> None:
    """An agency that leads into the cycle without being in it is not to blame."""
    cycle = [agency("AA", parent="BB"), agency("BB", parent="CC"), agency("CC", parent="AA")]
    found = refusals(agencies=[*AGENCIES, *cycle, agency("DD", parent="AA")])
    assert sorted(found) == [
        "parent: is under itself: AA under BB under CC under AA",
        "parent: is under itself: BB under CC under AA under BB",
        "parent: is under itself: CC under AA under BB under CC",
    ]


def test_a_chain_of_parents_is_no_cycle() -> None:
    """Units of units are accepted, and a parent may be named by its previous code."""
    assert not refusals(
        agencies=[*AGENCIES, MERGED, agency("TAX", parent="MPI"), agency("UNIT", parent="TAX")]
    )


@pytest.mark.parametrize(
    ("services", "refusal"),
    [
        ([service()], "id: population.verify-identity is there already"),
        ([service("a.b", provider="MPSS")], "provider: there is no agency MPSS; did you mean MPS?"),
    ],
)
def test_services_that_do_not_fit_are_refused(services: list[Values], refusal: str) -> None:
    """A service has one record and a known provider."""
    assert refusals(services=[*SERVICES, *services]) == [refusal]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"consumer": "MOX"}, "consumer: there is no agency MOX"),
        ({"service": "a.b"}, "service: there is no service a.b"),
        ({"service": "population.verify-identiy"}, "did you mean population.verify-identity?"),
        ({"provider": "VSS"}, "provider: population.verify-identity is a service of MPS, not of VSS"),
        ({"consumer": "MPS"}, "consumer: MPS cannot be the consumer of its own service"),
        (
            {"fields": ["sex", "shoe_size"]},
            "fields[1]: shoe_size is not a field of population.verify-identity; "
            "it offers full_name, date_of_birth, sex",
        ),
    ],
)
def test_an_agreement_that_does_not_fit_is_refused(changes: Values, refusal: str) -> None:
    """Agencies, service, provider and fields must be those of the registry."""
    (found,) = refusals(agreement(**changes))
    assert refusal in found


def test_an_agreement_may_promise_more_than_the_service() -> None:
    """An objective that the service itself does not promise is for the parties to keep."""
    promised = service(objectives={"availability": 0.99})
    assert not refusals(agreement(objectives={"availability": 0.999}), services=[promised])


def test_an_agreement_may_name_its_agencies_by_previous_codes() -> None:
    """An agreement is not edited when a ministry is merged into another."""
    merged = [agency("MPS"), agency("MOH", previous_codes=["HLT"]), agency("VSS")]
    assert not refusals(agreement(consumer="HLT"), agencies=merged)


SECOND: Values = {"version": 2, "start": "2026-07-01"}


@pytest.mark.parametrize(
    "agreements",
    [
        [agreement(ended="2026-06-30"), agreement(**SECOND)],
        [agreement(), agreement("AGR-2", start="2027-01-01", end="2027-12-31")],
        [agreement(), agreement(**SECOND, status="draft")],
        [agreement(), agreement("AGR-2", status="draft")],
        [agreement(status="draft"), agreement("AGR-2", status="draft")],
        [agreement(), agreement("AGR-2", service="insurance.verify-insured", provider="VSS")],
        [agreement(), agreement("AGR-2", consumer="VSS")],
        [agreement(version=2, start="2026-07-01"), agreement(ended="2026-06-30")],
    ],
    ids=[
        "ended on the day before the next",
        "another agreement from the next day",
        "draft of the next version",
        "draft of another agreement",
        "two drafts",
        "another service",
        "another consumer",
        "written in another order",
    ],
)
def test_versions_that_follow_each_other_are_accepted(agreements: list[Values]) -> None:
    """At most one settled version a day for a consumer and a service."""
    assert refusals(*agreements) == []


@pytest.mark.parametrize("status", ["registered", "active", "suspended", "terminated"])
@pytest.mark.parametrize("name", ["AGR-1", "AGR-2"])
def test_two_versions_on_one_day_are_refused(status: str, name: str) -> None:
    """Both days count: a version that starts on the last day of another overlaps with it by that day."""
    later = agreement(name, status=status, version=2, start="2026-06-30")
    (found,) = refusals(agreement(ended="2026-06-30"), later)
    assert found == (
        f"start: {name} version 2 is in force from 2026-06-30 to 2026-06-30 together with AGR-1 version 1, "
        "for the same consumer and service; where the earlier one ended, write ended: 2026-06-29"
    )


def test_an_overlap_with_a_long_version_is_found_behind_a_short_one() -> None:
    """The third lies outside the second, but inside the first."""
    found = refusals(
        agreement(),
        agreement("AGR-2", start="2026-02-01", end="2026-02-28"),
        agreement("AGR-3", start="2026-03-01", end="2026-03-31"),
    )
    assert [text.split(" together with ")[0] for text in found] == [
        "start: AGR-2 version 1 is in force from 2026-02-01 to 2026-02-28",
        "start: AGR-3 version 1 is in force from 2026-03-01 to 2026-03-31",
    ]


def test_agreements_of_merged_agencies_overlap() -> None:
    """After a merger the new agency holds two agreements on one service; one of them must be ended."""
    merged = [agency("MPS"), agency("MOH", previous_codes=["HLT"]), agency("VSS")]
    (found,) = refusals(agreement(), agreement("AGR-2", consumer="HLT"), agencies=merged)
    assert "for the same consumer and service" in found


@pytest.mark.parametrize(
    ("later", "refusal"),
    [
        (
            {"version": 1, "start": "2027-01-01", "end": "2027-12-31"},
            "version: version 1 of AGR-1 is there already",
        ),
        (
            {"version": 2, "start": "2025-01-01", "end": "2025-12-31"},
            "start: version 2 starts 2025-01-01, not after",
        ),
        ({"version": 2, "status": "draft"}, "start: version 2 starts 2026-01-01, not after version 1"),
        (
            {"version": 2, "start": "2027-01-01", "end": "2027-12-31", "consumer": "VSS"},
            "consumer: version 1 is for MOH",
        ),
        (
            {
                "version": 2,
                "start": "2027-01-01",
                "end": "2027-12-31",
                "service": "insurance.verify-insured",
                "provider": "VSS",
            },
            "service: version 1 is for population.verify-identity",
        ),
    ],
)
def test_versions_of_one_agreement_must_follow(later: Values, refusal: str) -> None:
    """Each number once, later numbers later, and always the same consumer and service."""
    (found,) = refusals(agreement(), agreement(**later))
    assert found.startswith(refusal)
