"""Whatever the order of events and wherever the stream stops: the same sum of detections."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.baselines.kind import BaselineKind
from alerts.baselines.season import HOUR_MS
from alerts.engine.kind import Observation
from alerts.model import Detection, Group
from alerts.rule import Baseline
from monitor.errors import MonitorError
from tests.alerts.baselines.making import ZONE, at, feed, office, pair, rule, seen, summed

LATENESS_MS = 300_000
GROUPS = [pair(f"C{number}", f"s{number % 2}") for number in range(4)]
RULES = {
    "count above": rule(parent=("service",)),
    "sum above": rule(measure="sum", value_field="records", parent=("service",)),
    "distinct above": rule(measure="distinct", value_field="subject"),
    "below": rule("below"),
    "silence": rule("silence"),
    "drift": rule("drift", sensitivity=1.5),
}


def _history(one: Baseline) -> dict[Group, bytes]:
    """States of a kind that knows four weeks."""
    kind = BaselineKind(one, ZONE)
    for number, group in enumerate(GROUPS):
        for hour in range(at(0, 0, 0), at(4, 0, 8)):
            kind.prime(group, hour, office(4 + 2 * number)(hour), agency="MOH")
    return {group: packed for group in tuple(kind.touched()) if (packed := kind.encode(group)) is not None}


HISTORIES = {name: _history(one) for name, one in RULES.items()}


def _begin(name: str) -> BaselineKind:
    kind = BaselineKind(RULES[name], ZONE)
    kind.restore(HISTORIES[name])
    return kind


def _stream(random: Random, hours: int = 30) -> list[Observation]:
    """Events of some groups from Monday 8:00 on, in order of time: usual, bulky, few and none."""
    events = []
    for hour in range(at(4, 0, 8), at(4, 0, 8) + hours):
        for number, group in enumerate(GROUPS):
            total = int(office(4 + 2 * number)(hour) * random.choice((0, 0.1, 1, 1, 1, 1.4, 7)))
            for one in range(total):
                after = random.randrange(HOUR_MS)
                value = random.randrange(1, 30)
                events.append(seen(hour, one, group=group, value=value, after=after))
    return sorted(events, key=lambda one: (one.time_ms, one.event_id, one.group))


def _late(random: Random, events: list[Observation]) -> list[Observation]:
    """The same events, each delayed by less than the lateness."""
    return sorted(events, key=lambda one: one.time_ms + random.randrange(LATENESS_MS))


def _run(kind: BaselineKind, events: Iterable[Observation]) -> list[Detection]:
    found: list[Detection] = []
    newest = 0
    for event in events:
        found += kind.apply(event)
        newest = max(newest, event.time_ms)
        found += kind.advance(newest - LATENESS_MS)
    return found


def _end(kind: BaselineKind) -> list[Detection]:
    return list(kind.advance(at(4, 3, 0) * HOUR_MS))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_the_order_within_the_lateness_changes_no_sum(name: str, seed: int) -> None:
    """Counts, times, evidence and final figures are the same, also when hours are closed only at the end."""
    random = Random(seed)
    events = _stream(random)
    straight = _begin(name)
    expected = summed([*_run(straight, events), *_end(straight)])
    late = _begin(name)
    assert summed([*_run(late, _late(random, events)), *_end(late)]) == expected
    shuffled = events[:200]
    random.shuffle(shuffled)
    one, other = _begin(name), _begin(name)
    found = [detection for event in shuffled for detection in one.apply(event)]
    assert summed([*found, *_end(one)]) == summed([*_run(other, events[:200]), *_end(other)])


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000))
def test_stopping_and_restoring_changes_no_detection(name: str, seed: int) -> None:
    """Stopped anywhere, its groups stored at different times and what came since applied again."""
    random = Random(seed)
    events = _late(random, _stream(random))
    straight = _begin(name)
    expected = [*_run(straight, events), *_end(straight)]

    cut = random.randrange(1, len(events))
    before = _begin(name)
    stored = dict(HISTORIES[name])
    stored_at = dict.fromkeys(stored, 0)
    found: list[Detection] = []
    newest = 0
    for number, event in enumerate(events[:cut]):
        found += before.apply(event)
        newest = max(newest, event.time_ms)
        found += before.advance(newest - LATENESS_MS)
        if number % 40 == 0:  # one of the states that wait to be written
            group = random.choice(tuple(before.touched()))
            packed = before.encode(group)
            assert packed is not None
            stored[group], stored_at[group] = packed, number + 1
    after = BaselineKind(RULES[name], ZONE)
    after.restore(stored)
    newest = 0
    for number, event in enumerate(events[:cut]):
        if stored_at.get(event.group, 0) <= number:
            after.apply(event)
        newest = max(newest, event.time_ms)
        after.advance(newest - LATENESS_MS)
    found += _run_on(after, events[cut:], newest)
    found += _end(after)
    assert summed(found) == summed(expected)
    groups = {*stored, *GROUPS}
    assert {group: after.encode(group) for group in groups} == {
        group: straight.encode(group) for group in groups
    }


def _run_on(kind: BaselineKind, events: Iterable[Observation], newest: int) -> list[Detection]:
    found: list[Detection] = []
    for event in events:
        found += kind.apply(event)
        newest = max(newest, event.time_ms)
        found += kind.advance(newest - LATENESS_MS)
    return found


def test_every_change_is_named_once_and_a_state_is_small() -> None:
    """A full week over nine weeks takes some three kilobytes; nothing waits after it was encoded."""
    kind = BaselineKind(rule(parent=("service",)), ZONE)
    feed(kind, at(0, 0, 0), at(9, 0, 0), office(100))
    assert set(kind.touched()) == {pair(), (("service", "population.verify"),)}
    packed = kind.encode(pair())
    assert packed is not None
    assert len(packed) < 3_200
    kind.encode((("service", "population.verify"),))
    assert not kind.touched()


def test_a_state_that_cannot_be_read_is_refused_by_rule_and_group() -> None:
    """Broken, and of another layout."""
    kind = BaselineKind(rule(), ZONE)
    with pytest.raises(MonitorError, match=r"rule-1.*MOH.*cannot be read"):
        kind.restore({pair(): b"\x93\x01"})
    kind.apply(seen(at(0, 0, 0)))
    packed = kind.encode(pair())
    assert packed is not None
    assert packed[1] == 1  # the layout, in the array
    with pytest.raises(MonitorError, match="layout 2 is not 1"):
        kind.restore({pair(): packed[:1] + b"\x02" + packed[2:]})
