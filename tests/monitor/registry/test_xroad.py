"""Members and services of X-Road in the registry: patterns, which of two holds, and those that clash."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.registry.model import Agency, Service
from monitor.registry.patterns import covers, matches, narrowest, overlap
from monitor.registry.xroad import XroadNames
from tests.monitor.registry.writing import agency, made, refusals, service

PATTERNS = st.text(alphabet="ab*?/", max_size=6)
NAMES = st.text(alphabet="ab/", max_size=6)


@given(PATTERNS, NAMES)
def test_a_part_matches_as_fnmatch_does(pattern: str, name: str) -> None:
    """But no wildcard reaches over a slash."""
    parts, names = pattern.split("/"), name.split("/")
    same = len(parts) == len(names) and all(map(fnmatchcase, names, parts))
    assert matches(pattern, name) == same


@given(PATTERNS, PATTERNS, NAMES)
def test_what_two_patterns_have_in_common_is_told(one: str, other: str, name: str) -> None:
    """A name that both match is an overlap; the wider matches whatever the narrower does."""
    both = matches(one, name) and matches(other, name)
    assert overlap(one, other) or not both
    assert overlap(one, other) == overlap(other, one)
    if covers(one, other) and matches(other, name):
        assert matches(one, name)


@given(PATTERNS, PATTERNS)
def test_an_overlap_has_a_name(one: str, other: str) -> None:
    """One of at most as many letters as both patterns have."""
    if overlap(one, other):
        from itertools import product

        shortest = (
            "".join(letters)
            for size in range(len(one) + len(other) + 1)
            for letters in product("ab/", repeat=size)
        )
        assert any(matches(one, name) and matches(other, name) for name in _first(shortest, 20_000))


def _first(names: object, count: int) -> list[str]:
    from collections.abc import Iterator
    from itertools import islice

    assert isinstance(names, Iterator)
    return list(islice(names, count))


def test_the_narrowest_pattern_holds() -> None:
    """Whatever order they come in."""
    assert narrowest(["a/*", "a/b*", "*/*"]) == "a/b*"
    assert narrowest(["*/*", "a/b*", "a/*"]) == "a/b*"
    assert narrowest([]) is None


def test_members_and_services_are_looked_up() -> None:
    """A member without a subsystem stands for all of them; a service without a version for every version."""
    registry = made(
        agencies=(
            agency("MPS", xroad=["VN/GOV/G01", "EE/GOV/7000*/pop-?"]),
            agency("MOH", xroad=["VN/GOV/G01/health"]),
        ),
        services=(
            service("a.one", xroad=["pop/getOne", "pop/getTwo/v1"]),
            service("a.other", xroad=["*/get*"]),
        ),
    )
    names = XroadNames(registry.agencies, registry.services)
    assert names.agency("VN", "GOV", "G01", "pop") == "MPS"
    assert names.agency("VN", "GOV", "G01", "") == "MPS"
    assert names.agency("VN", "GOV", "G01", "health") == "MOH"
    assert names.agency("EE", "GOV", "70001", "pop-1") == "MPS"
    assert names.agency("EE", "GOV", "70001", "") is None
    assert names.agency("vn", "GOV", "G01", "pop") is None
    assert names.service("MPS", "pop", "getOne", "v7") == "a.one"
    assert names.service("MPS", "pop", "getTwo", "v1") == "a.one"
    assert names.service("MPS", "pop", "getTwo", "") == "a.other"
    assert names.service("MPS", "", "getIt", "") == "a.other"
    assert names.service("MOH", "pop", "getOne", "v7") is None
    assert names.agency("VN", "GOV", "G01/health", "") is None


def test_patterns_that_clash_are_refused() -> None:
    """Of different owners, both matching some name, and neither of them the narrower one."""
    agencies = (agency("MPS", xroad=["VN/GOV/G0*"]), agency("MOH", xroad=["VN/GOV/G?1", "VN/COM/*"]))
    (problem,) = refusals(agencies=agencies, services=())
    assert problem == (
        "xroad[0]: VN/GOV/G?1/* and VN/GOV/G0*/* of MPS can both match one name, and neither is narrower"
    )
    services = (service("a.one", xroad=["pop/get"]), service("a.two", xroad=["pop/get/*"]))
    assert len(refusals(agencies=(agency("MPS"),), services=services)) == 1
    elsewhere = (service("a.one", xroad=["pop/get"]), service("a.two", provider="MOH", xroad=["pop/get"]))
    assert refusals(agencies=(agency("MPS"), agency("MOH")), services=elsewhere) == []
    narrower = (agency("MPS", xroad=["VN/GOV/*"]), agency("MOH", xroad=["VN/GOV/G1", "VN/GOV/G1/*"]))
    assert refusals(agencies=narrower, services=()) == []


@pytest.mark.parametrize("text", ["VN", "VN/GOV", "VN/GOV/G1/a/b", "VN//G1", "/VN/GOV", "VN/GOV/G1 "])
def test_a_member_has_three_or_four_parts(text: str) -> None:
    """And none of them is empty."""
    with pytest.raises(ValidationError, match=re.escape("xroad")):
        Agency.model_validate(agency("MPS", xroad=[text]))


@pytest.mark.parametrize("text", ["get", "a/b/c/d", "a//c", "/get"])
def test_a_service_has_two_or_three_parts(text: str) -> None:
    """Its subsystem, its code, and maybe its version."""
    with pytest.raises(ValidationError, match=re.escape("xroad")):
        Service.model_validate(service(xroad=[text]))
