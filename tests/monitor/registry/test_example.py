"""The example registry is right, has the size of the real platform, and shows every standing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.registry.load import load_registry
from monitor.registry.registry import Registry
from monitor.registry.schema import schema_files
from monitor.registry.summary import summarise
from tests.monitor.registry.writing import day

FOLDER = Path(__file__).parents[3] / "deploy" / "registry"
RECORDS = sorted(
    path for part in ("agencies", "services", "agreements") for path in (FOLDER / part).iterdir()
)


@pytest.fixture(scope="module")
def example() -> Registry:
    """The example registry, which loads only where it has no problems."""
    return load_registry(FOLDER)


def test_it_has_the_size_of_the_national_platform(example: Registry) -> None:
    """95 agencies with 388 connection points, as in April 2024; 34 provinces since 2025."""
    kinds = Counter(agency.kind for agency in example.agencies.values())
    assert len(example.agencies) == 95
    assert sum(agency.connection.points for agency in example.agencies.values()) == 388
    assert (kinds["ministry"], kinds["ministry-level"], kinds["province"]) == (14, 3, 34)
    assert 35 <= len(example.services) <= 50
    assert 140 <= len({one.id for one in example.agreements}) <= 170


@pytest.mark.parametrize("today", ["2026-10-01", "2027-06-30", "2027-12-31"])
def test_most_agreements_are_in_force_for_the_demo(example: Registry, today: str) -> None:
    """Events simulated at any time until the end of 2027 have agreements to keep."""
    summary = summarise(example, day(today))
    assert summary.in_force["active"] >= 0.85 * summary.agreements


def test_it_shows_every_standing(example: Registry) -> None:
    """Draft, suspended, terminated, expired, not yet started and superseded: each is there to be noticed."""
    today = day("2026-10-01")
    assert {one.status for one in example.agreements} == {
        "draft",
        "registered",
        "active",
        "suspended",
        "terminated",
    }
    assert any(one.status == "active" and one.end < today for one in example.agreements)
    assert any(one.status != "draft" and one.start > today for one in example.agreements)
    assert sum(count > 1 for count in Counter(one.id for one in example.agreements).values()) >= 5
    states = {agency.connection.state for agency in example.agencies.values()}
    assert states == {"not-connected", "registered", "sandbox", "cleared", "live", "suspended"}


def test_the_exchange_of_the_contract_is_permitted(example: Registry) -> None:
    """The example exchange of the documentation, 5 October 2026, keeps AGR-2026-0012."""
    (permit,) = example.versions("MOH", "population.verify-identity")
    assert (permit.id, permit.provider, permit.status) == ("AGR-2026-0012", "MPS", "active")
    assert permit.start <= day("2026-10-05") <= permit.last_day
    assert "health-insurance" in permit.purposes
    assert {"full_name", "date_of_birth"} <= set(permit.fields)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_names_its_schema_and_says_that_it_is_an_example(path: Path) -> None:
    """Nobody should take an invented agreement for a real one."""
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named is not None
    assert (path.parent / named[1]).is_file()
    assert second.startswith("# EXAMPLE.")


def test_the_committed_schemas_are_those_of_the_code() -> None:
    """After a change of the model: monitor registry schema --out deploy/registry/schema."""
    committed = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "schema").iterdir()}
    assert committed == schema_files()
