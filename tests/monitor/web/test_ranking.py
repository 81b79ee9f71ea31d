"""Who stands on top of the overview's tables, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.web.ranking import proven_share
from tests.monitor.web.figures import VERIFY, World

MOH, MOJ = Pair("MPS", "MOH", VERIFY), Pair("MPS", "MOJ", VERIFY)


def test_one_bad_exchange_of_two_ranks_below_fifty_of_five_hundred() -> None:
    """The order follows what the counts prove, not the bare share."""
    world = World()
    world.commit(MOH, ok=2, breaches={Breach.UNSIGNED: 1})
    world.commit(MOJ, ok=500, breaches={Breach.UNSIGNED: 100})
    assert [row["code"] for row in world.document()["agencies"]["rows"]] == ["MOJ", "MOH", "MPS"]


def test_breaches_are_the_consumers_and_failures_the_providers() -> None:
    """Who asked wrongly and who did not answer are told apart."""
    world = World()
    world.commit(
        MOH, ok=80, fault=6, timeout=4, denied=10, duration_us=5_000_000, breaches={Breach.UNSIGNED: 7}
    )
    rows = {row["code"]: row for row in world.document()["agencies"]["rows"]}
    assert (rows["MOH"]["asked"], rows["MOH"]["answered"], rows["MOH"]["breaches"]) == (100, 0, 7)
    assert (rows["MPS"]["asked"], rows["MPS"]["answered"], rows["MPS"]["breaches"]) == (0, 100, 0)
    assert rows["MPS"]["mean_duration_ms"] == 50.0
    assert rows["MOH"]["mean_duration_ms"] is None


def test_an_exchange_with_two_breaches_is_one_breached_exchange() -> None:
    """No share exceeds the whole, and no agency ranks worse for one exchange that breaks two terms."""
    world = World()
    world.commit(MOH, ok=10, breached=3, breaches={Breach.UNSIGNED: 3, Breach.CASE_MISSING: 3})
    world.commit(MOJ, ok=10, breached=4, breaches={Breach.UNSIGNED: 4})
    rows = world.document()["agencies"]["rows"]
    assert [(row["code"], row["breaches"], row["breach_share"]) for row in rows] == [
        ("MOJ", 4, 0.4), ("MOH", 6, 0.3), ("MPS", 0, None),
    ]  # fmt: skip


def test_a_denial_is_an_answer() -> None:
    """The share of failures is of what the provider did not deny, as availability counts it."""
    world = World()
    world.commit(MOH, ok=45, fault=5, denied=50)
    rows = {row["code"]: row for row in world.document()["agencies"]["rows"]}
    assert rows["MPS"]["failure_share"] == 0.1
    assert rows["MOH"]["failure_share"] is None


def test_an_agency_that_only_denied_has_no_share_of_failures() -> None:
    """A denominator of zero is told as None, not as zero."""
    world = World()
    world.commit(MOH, denied=3)
    rows = {row["code"]: row for row in world.document()["agencies"]["rows"]}
    assert rows["MPS"]["failure_share"] is None


def test_a_pair_names_its_most_frequent_breach() -> None:
    """Pairs stand by the number of their breaches, with both names of agencies and service."""
    world = World()
    world.commit(MOH, ok=10, breaches={Breach.UNSIGNED: 2, Breach.CASE_MISSING: 5})
    world.commit(MOJ, ok=10, breaches={Breach.UNSIGNED: 1})
    first, second = world.document()["pairs"]["rows"]
    assert (first["consumer"]["code"], first["breaches"], first["kind"], first["exchanges"]) == (
        "MOH", 7, "case_missing", 10,
    )  # fmt: skip
    assert first["service"] == {"id": VERIFY, "registered": True, "en": "Verify", "vi": "Xác thực"}
    assert second["consumer"]["vi"] == "Cơ quan MOJ"


def test_what_is_not_registered_is_marked() -> None:
    """The page must not take the collective name for an agency's code."""
    world = World()
    world.commit(Pair(UNREGISTERED, "MOH", UNREGISTERED), ok=1, breaches={Breach.UNKNOWN_SERVICE: 1})
    document = world.document()
    assert {row["code"]: row["registered"] for row in document["agencies"]["rows"]} == {
        "MOH": True, UNREGISTERED: False,
    }  # fmt: skip
    assert document["pairs"]["rows"][0]["service"]["registered"] is False
    assert document["totals"]["agencies_active"] == 1
    assert document["totals"]["services_active"] == 0


@pytest.mark.parametrize(("bad", "of", "expected"), [(0, 10, 0.0), (1, 10, 0.0179), (10, 10, 0.7225)])
def test_the_proven_share_is_wilsons_lower_bound(bad: int, of: int, expected: float) -> None:
    """Values computed by hand from the formula."""
    assert proven_share(bad, of) == pytest.approx(expected, abs=1e-3)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_proven_share_never_exceeds_the_share(bad: int, of: int) -> None:
    """It lies between zero and the share, whatever the counts."""
    proven = proven_share(bad, of)
    assert 0.0 <= proven <= (min(bad / of, 1.0) if of else 0.0) + 1e-12
