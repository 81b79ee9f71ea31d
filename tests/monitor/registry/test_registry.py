"""The registry in memory: versions by pair, codes resolved, a fingerprint of the content, never changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from monitor.registry.load import load_registry
from monitor.registry.summary import summarise
from tests.monitor.registry.writing import (
    AGENCIES,
    SERVICES,
    agency,
    agreement,
    day,
    dump,
    made,
    service,
    write_folder,
)

PAIR = ("MOH", "population.verify-identity")
MERGED = (agency("MPS", previous_codes=["POLICE"]), agency("MOH", previous_codes=["HLT"]), agency("VSS"))


def test_versions_of_a_pair_come_by_start() -> None:
    """All versions of all agreements of the pair, drafts too, whatever the order they were written in."""
    registry = made(
        agreement("AGR-9", start="2027-01-01", end="2027-12-31"),
        agreement("AGR-1", version=2, start="2026-07-01"),
        agreement("AGR-1", ended="2026-06-30"),
        agreement("AGR-5", start="2026-03-01", status="draft"),
        agreement("AGR-7", consumer="VSS"),
    )
    found = [(one.id, one.version) for one in registry.versions(*PAIR)]
    assert found == [("AGR-1", 1), ("AGR-5", 1), ("AGR-1", 2), ("AGR-9", 1)]


def test_a_pair_without_agreement_has_no_versions() -> None:
    """Unknown names are no error: the judge asks about whatever stands on an event."""
    registry = made(agreement())
    assert registry.versions("MOH", "a.b") == ()
    assert registry.versions("NOBODY", PAIR[1]) == ()
    assert registry.agency("NOBODY") is None


def test_agreements_come_by_id_and_version() -> None:
    """The order does not depend on files."""
    registry = made(
        agreement("AGR-2", consumer="VSS"),
        agreement(version=2, start="2026-07-01"),
        agreement(ended="2026-06-30"),
    )
    assert [(one.id, one.version) for one in registry.agreements] == [
        ("AGR-1", 1),
        ("AGR-1", 2),
        ("AGR-2", 1),
    ]


def test_previous_codes_count_as_the_present_one() -> None:
    """Agencies, services and agreements are found by either code and carry the present one."""
    old = agreement(consumer="HLT", provider="POLICE")
    registry = made(old, agencies=MERGED, services=[service(provider="POLICE")])
    assert registry.canonical["HLT"] == registry.canonical["MOH"] == "MOH"
    assert registry.agency("POLICE") is registry.agencies["MPS"]
    assert registry.services[PAIR[1]].provider == "MPS"
    assert registry.versions("HLT", PAIR[1]) == registry.versions(*PAIR) == registry.agreements
    assert (registry.agreements[0].provider, registry.agreements[0].consumer) == ("MPS", "MOH")


def test_a_registry_does_not_change() -> None:
    """A worker reads it from several places at once."""
    registry = made(agreement())
    with pytest.raises(TypeError):
        registry.agencies["X"] = registry.agencies["MPS"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        registry.agreements = ()  # type: ignore[misc]


def test_the_fingerprint_depends_on_content_alone(tmp_path: Path) -> None:
    """Neither comments, order, style nor the cut into files change it; loaded or made makes no difference."""
    one = load_registry(
        write_folder(tmp_path / "one", agreements=[agreement(), agreement("AGR-2", consumer="VSS")])
    )
    other = write_folder(
        tmp_path / "other",
        agencies="# comment\n" + dump(list(reversed(AGENCIES))),
        agreements=dict(reversed(agreement().items())),
    )
    (other / "agreements" / "more.yml").write_text(dump(agreement("AGR-2", consumer="VSS", version=1)))
    assert load_registry(other).fingerprint == one.fingerprint
    assert made(agreement(), agreement("AGR-2", consumer="VSS")).fingerprint == one.fingerprint
    assert len(one.fingerprint) == 64


@pytest.mark.parametrize(
    "changed",
    [
        {"agreements": [agreement(purposes=["another"])]},
        {"agreements": [agreement(end="2026-12-30")]},
        {"agreements": [agreement(ceilings={"calls_per_day": 5})]},
        {"agreements": []},
        {"agencies": [*AGENCIES, agency("MOJ")]},
        {"services": [service(fields=["sex"]), SERVICES[1]]},
    ],
)
def test_the_fingerprint_changes_with_the_content(tmp_path: Path, changed: dict[str, Any]) -> None:
    """Any term that could change a judgement changes it."""
    before = load_registry(write_folder(tmp_path / "before")).fingerprint
    assert load_registry(write_folder(tmp_path / "after", **changed)).fingerprint != before


@pytest.mark.parametrize(
    ("today", "in_force"),
    [
        ("2025-12-31", {}),
        ("2026-01-01", {"active": 1}),
        ("2026-06-30", {"active": 1}),
        ("2026-07-01", {"suspended": 1}),
        ("2026-12-31", {"suspended": 1}),
        ("2027-01-01", {}),
    ],
)
def test_the_summary_counts_versions_in_force_on_a_day(today: str, in_force: dict[str, int]) -> None:
    """First and last days are in force; drafts never are."""
    registry = made(
        agreement(ended="2026-06-30"),
        agreement(version=2, start="2026-07-01", status="suspended"),
        agreement("AGR-2", status="draft", start="2026-01-02"),
    )
    summary = summarise(registry, day(today))
    assert summary.in_force == in_force
    assert (summary.agreements, summary.versions) == (2, 3)


@pytest.mark.parametrize(
    ("today", "follower", "named"),
    [
        ("2026-11-01", None, True),  # 60 days before the last day, 31 December
        ("2026-10-31", None, False),
        ("2026-12-31", None, True),
        ("2027-01-01", None, False),
        ("2026-12-31", {"start": "2027-01-01", "end": "2027-12-31"}, False),
        ("2026-12-31", {"start": "2027-01-02", "end": "2027-12-31"}, True),
        ("2026-12-31", {"start": "2027-01-01", "end": "2027-12-31", "status": "draft"}, True),
    ],
)
def test_the_summary_names_agreements_that_end_with_nothing_to_follow(
    today: str, follower: dict[str, str] | None, named: bool
) -> None:
    """An agreement whose successor starts on the day after needs no attention; a draft is no successor."""
    later = [agreement(version=2, **follower)] if follower else []
    expiring = summarise(made(agreement(), *later), day(today)).expiring
    assert [one.id for one in expiring] == (["AGR-1"] if named else [])
