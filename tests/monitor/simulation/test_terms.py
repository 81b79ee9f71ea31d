"""What the simulation calls clean is clean, and what it calls a breach is that breach and no other."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import MonitorError, UsageProblem
from monitor.judging.breach import Breach
from monitor.registry.load import Registry, load_registry
from monitor.simulation import Sent, Shares, simulate
from monitor.simulation.breaches import KINDS
from monitor.simulation.shares import CLEAN
from tests.monitor.simulation.reading import Checker, members, moment
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world

EXAMPLE = Path(__file__).parents[3] / "deploy" / "registry"
HOUR = 3600.0


def _found_and_intended(registry: Registry, events: list[Sent]) -> Counter[tuple[str, tuple[str, ...]]]:
    checker = Checker(registry, ZONE)
    pairs: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for sent in events:
        if sent.kind != "malformed":
            pairs[sent.reason, tuple(sorted(checker.breaches(members(sent))))] += 1
    return pairs


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_breach_is_the_intended_one_and_nothing_else_is_a_breach(seed: int) -> None:
    """Through a week of nights, office hours and a change of version, a naive judge agrees on every event."""
    registry = world()
    shares = Shares(breach=0.1, late=0.05, duplicate=0.02)
    events = list(
        simulate(registry, seed=seed, start=MONDAY_MORNING, zone=ZONE, rate=0.03, count=18_000, shares=shares)
    )
    assert events[-1].time - events[0].time > timedelta(days=5).total_seconds()
    pairs = _found_and_intended(registry, events)
    assert [pair for pair in pairs if pair[1] != ((pair[0],) if pair[0] else ())] == []
    committed = {reason for reason, _ in pairs if reason}
    assert committed == {kind.value for kind in Breach} - {"quota_exceeded"}


def test_the_example_registry_yields_no_false_breach() -> None:
    """The registry that the demo shows gives a stream on which a naive judge agrees as well."""
    registry = load_registry(EXAMPLE)
    events = list(
        simulate(registry, seed=5, start=MONDAY_MORNING - 9 * HOUR, zone=ZONE, rate=0.2, count=20_000)
    )
    pairs = _found_and_intended(registry, events)
    assert [pair for pair in pairs if pair[1] != ((pair[0],) if pair[0] else ())] == []


def test_daily_ceilings_are_kept_until_one_is_exceeded_on_purpose() -> None:
    """Calls stop at a ceiling; a breach of the quota comes only after the last permitted call."""
    registry = world(ceilings={"calls_per_day": 150})
    shares = Shares(breach=0.1, late=0.01)
    events = list(simulate(registry, seed=4, start=MONDAY_MORNING, zone=ZONE, count=2500, shares=shares))
    pairs = _found_and_intended(registry, events)
    assert [pair for pair in pairs if pair[1] != ((pair[0],) if pair[0] else ())] == []
    assert pairs["quota_exceeded", ("quota_exceeded",)] > 10


def test_a_day_without_calls_left_is_said_and_not_waited_for() -> None:
    """When every ceiling is reached the simulation stops with a sentence instead of breaking agreements."""
    events = simulate(
        world(ceilings={"calls_per_day": 2}), seed=1, start=MONDAY_MORNING, zone=ZONE, rate=1, shares=CLEAN
    )
    with pytest.raises(MonitorError, match="used up"):
        list(events)


def test_only_the_chosen_breaches_are_committed() -> None:
    """`kinds` limits what is broken."""
    events = simulate(
        world(),
        seed=1,
        start=MONDAY_MORNING,
        zone=ZONE,
        count=3000,
        shares=Shares(breach=0.5, duplicate=0),
        kinds=(Breach.UNSIGNED, Breach.CASE_MISSING),
    )
    assert {sent.reason for sent in events if sent.kind == "breach"} == {"unsigned", "case_missing"}


def test_a_breach_that_cannot_be_committed_leaves_the_event_clean() -> None:
    """In office hours nobody can be outside them; no other breach is put in its place."""
    registry = world(hours=None)
    events = list(
        simulate(
            registry,
            seed=1,
            start=MONDAY_MORNING,
            zone=ZONE,
            count=500,
            shares=Shares(breach=1, late=0, duplicate=0, malformed=0),
            kinds=(Breach.OUTSIDE_HOURS,),
        )
    )
    assert {sent.kind for sent in events} == {"clean"}
    assert set(_found_and_intended(registry, events)) == {("", ())}


def test_a_kind_that_is_no_breach_of_an_exchange_is_refused() -> None:
    """`duplicate_id` is what duplicates commit, so it cannot be chosen."""
    with pytest.raises(UsageProblem, match="duplicate_id"):
        next(simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, kinds=(*KINDS, Breach.DUPLICATE_ID)))


def test_a_late_event_is_judged_by_the_version_of_its_own_time() -> None:
    """Late events that reach over a change of version carry the purposes of the version before it."""
    tuesday = datetime(2026, 10, 6, 1, 15, tzinfo=UTC).timestamp()
    registry = world()
    events = simulate(
        registry, seed=1, start=tuesday, zone=ZONE, count=4000, shares=Shares(late=0.5, breach=0, duplicate=0)
    )
    late = [members(sent) for sent in events if sent.kind == "late"]
    before = [one for one in late if moment(one).astimezone(ZONE).day == 5]
    assert before
    checker = Checker(registry, ZONE)
    assert all(not checker.breaches(one) for one in late)
    assert any(one["purpose"] == "old-purpose" for one in before)
    assert all(one["purpose"] != "old-purpose" for one in late if moment(one).astimezone(ZONE).day == 6)


def test_a_registry_without_agreements_cannot_be_simulated() -> None:
    """There is nothing that could be exchanged, and that is said."""
    with pytest.raises(MonitorError, match="no agreement"):
        next(simulate(Registry.of(), seed=1, start=MONDAY_MORNING, zone=ZONE))
