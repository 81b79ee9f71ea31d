"""The overview's document: complete, bounded, and equal to what was committed."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair
from monitor.metrics.weighted import quantile
from monitor.web.overview import LAGGING, TOP
from tests.monitor.web.figures import START, VERIFY, World, registry

MOH = Pair("MPS", "MOH", VERIFY)


def test_before_anything_happened_the_document_is_complete_and_empty() -> None:
    """The page can draw a worker that has only just started."""
    document = World().document()
    assert document["totals"]["exchanges"] == 0
    assert document["last_commit"] is None
    assert document["event_age"] == {"p50": None, "p99": None}
    assert document["history"]["ago"] == []
    assert document["agencies"] == {"rows": [], "more": 0}
    assert document["rates"] == {
        "exchanges_10s": 0, "exchanges_60s": 0, "breaches_10s": 0, "breaches_60s": 0,
    }  # fmt: skip


def test_totals_are_what_was_committed() -> None:
    """Every total equals the sum over the transactions."""
    world = World()
    world.commit(
        MOH, ok=90, fault=4, timeout=1, denied=5, late=3, duplicates=2, breaches={Breach.UNSIGNED: 6}
    )
    world.commit(MOH, ok=10)
    world.own.dead_letters.labels("exchanges", "not_json").inc(4)
    world.own.dead_letters.labels("exchanges", "too_old").inc(7)
    world.tick()
    document = world.document()
    assert document["totals"] == {
        "exchanges": 110, "failures": 5, "breaches": 6, "duplicates": 2, "late": 3, "denied": 5,
        "agencies_active": 2, "agencies_registered": 3, "services_active": 1, "services_registered": 1,
        "pairs_active": 1, "dead_letters": 11,
    }  # fmt: skip
    assert document["breaches"]["rows"] == [{"breach": "unsigned", "count": 6}]
    assert document["dead_letters"]["rows"] == [
        {"reason": "too_old", "count": 7}, {"reason": "not_json", "count": 4},
    ]  # fmt: skip


def test_rates_follow_the_samples() -> None:
    """Ten exchanges and two breaches a second show as such."""
    world = World()
    world.tick()
    for _ in range(20):
        world.commit(MOH, ok=10, breaches={Breach.UNSIGNED: 2})
        world.tick()
    assert world.document()["rates"] == {
        "exchanges_10s": 10, "exchanges_60s": 10, "breaches_10s": 2, "breaches_60s": 2,
    }  # fmt: skip
    history = world.document()["history"]
    assert set(history["exchanges"]) == {10.0}
    assert len(history["exchanges"]) == len(history["breaches"]) == len(history["ago"]) == 10


def test_the_last_commit_is_the_sample_that_first_saw_it() -> None:
    """Without commits the time stands still, so that the page can say how long nothing came."""
    world = World()
    world.commit(MOH, ok=1)
    world.tick()
    world.tick(30)
    document = world.document()
    assert document["last_commit"] == START + 1
    assert document["time"] == START + 31


def test_the_event_age_is_that_of_the_last_minute() -> None:
    """A backlog that was worked off an hour ago does not stay in the figure."""
    world = World()
    world.tick()
    world.commit(MOH, ok=1000, age=200.0)
    world.tick()
    assert world.document()["event_age"]["p50"] > 60
    for _ in range(90):
        world.commit(MOH, ok=10, age=0.3)
        world.tick()
    assert 0.25 <= world.document()["event_age"]["p50"] <= 0.5
    assert 0.25 <= world.document()["event_age"]["p99"] <= 0.5


def test_every_list_is_cut_and_says_how_much_is_missing() -> None:
    """A thousand pairs make no larger document than a dozen."""
    codes = [f"A{number:03}" for number in range(100)]
    world = World(registry(codes))
    for code in codes:
        world.commit(Pair("A000", code, VERIFY), ok=10, breaches=dict.fromkeys(Breach, 1))
    world.lag = {("exchanges", number): number for number in range(40)}
    world.tick()
    document = world.document()
    for name, all_of_them in (("agencies", 100), ("pairs", 100), ("breaches", len(Breach))):
        assert len(document[name]["rows"]) == TOP
        assert document[name]["more"] == all_of_them - TOP
    assert len(document["lag"]["partitions"]["rows"]) == LAGGING
    assert document["lag"]["partitions"]["more"] == 40 - LAGGING
    assert len(json.dumps(document)) < 20_000


def test_the_partitions_furthest_behind_stand_in_their_own_order() -> None:
    """Rows do not change places every two seconds."""
    world = World()
    world.lag = {("exchanges", number): number % 2 * 100 + number for number in range(2 * LAGGING)}
    world.tick()
    lag = world.document()["lag"]
    assert lag["total"] == sum(world.lag.values())
    assert [row["partition"] for row in lag["partitions"]["rows"]] == list(range(1, 2 * LAGGING, 2))


def test_the_document_is_json() -> None:
    """msgspec encodes it, and a browser reads the same back."""
    world = World()
    world.commit(MOH, ok=3, breaches={Breach.UNSIGNED: 1})
    world.tick()
    document = world.document()
    assert json.loads(msgspec.json.encode(document)) == json.loads(json.dumps(document))


def test_a_quantile_lies_within_its_bucket() -> None:
    """Ten events between 1 and 2: the median is estimated in their middle."""
    assert quantile((1.0, 2.0, 5.0), (0, 10, 0, 0), 0.5) == 1.5
    assert quantile((1.0, 2.0, 5.0), (0, 0, 0, 10), 0.99) == 5.0
    assert quantile((1.0, 2.0, 5.0), (0, 0, 0, 0), 0.99) is None


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4), st.floats(0.01, 1))
def test_a_quantile_has_its_share_of_the_events_at_or_below_it(counts: list[int], share: float) -> None:
    """Up to the bound of its bucket at least that share is found, and before the bucket less."""
    bounds = (1.0, 2.0, 5.0)
    value = quantile(bounds, counts, share)
    if not sum(counts):
        assert value is None
        return
    assert value is not None
    bucket = next((index for index, bound in enumerate(bounds) if value <= bound), len(bounds))
    wanted = share * sum(counts)
    assert sum(counts[:bucket]) <= wanted + 1e-9 or value == pytest.approx(bounds[bucket - 1])
    if value < bounds[-1]:
        assert sum(counts[: bucket + 1]) >= wanted - 1e-9


def test_open_alerts_are_shown_with_the_names_of_their_agencies() -> None:
    """As whoever keeps alerts has them; an agency that no registry holds has its code for a name."""
    world = World()
    row = {"id": "4f0c/1", "level": "high", "title": {"en": "Bulk", "vi": "Số lượng lớn"}, "count": 3}
    world.alerts = {
        "open": {"high": 2, "low": 0},
        "rows": [row | {"agency": "MOH"}, row | {"agency": "nobody"}],
        "more": 0,
    }
    shown = world.document()["alerts"]
    assert shown["open"] == {"high": 2, "low": 0}
    assert [each["title"] for each in shown["rows"]] == [row["title"]] * 2
    assert [each["agency"]["en"] for each in shown["rows"]] == ["Agency MOH", "nobody"]
    assert world.alerts["rows"][0]["agency"] == "MOH"
