"""What must hold for every kind, whatever the events: order and interruptions change nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine.changes import Pace
from alerts.engine.engine import Engine
from alerts.engine.groups import Limits
from alerts.model import Detection
from alerts.rule import MemoryRule
from tests.alerts.engine.building import (
    START,
    Given,
    S,
    absent,
    at,
    engine,
    figures,
    new_term,
    of_kind,
    rules,
    window,
)
from tests.alerts.engine.stopping import END, run_with_stops

KINDS = ("p", "q", "r")

# One rule of every kind, over the matches of the rules p, q and r, and two that are chained.
EVERY_KIND: dict[str, Sequence[MemoryRule]] = {
    "event_count gte": [window("t", "p", when={"gte": 3})],
    "event_count gt": [window("t", "p", "q", when={"gt": 3})],
    "event_count of a range": [window("t", "p", when={"gte": 2, "lt": 4})],
    "event_count lt": [window("t", "p", when={"lt": 3})],
    "event_count eq": [window("t", "p", when={"eq": 2})],
    "event_count neq": [window("t", "p", when={"neq": 2})],
    "value_count gte": [window("t", "p", type="value_count", of="subject", when={"gte": 3})],
    "value_count lte": [window("t", "p", type="value_count", of="subject", when={"lte": 2})],
    "value_sum gte": [window("t", "p", type="value_sum", of="count", when={"gte": 9})],
    "value_sum lt": [window("t", "p", type="value_sum", of="count", when={"lt": 5})],
    "value_avg gt": [window("t", "p", type="value_avg", of="count", when={"gt": 2.5})],
    "value_percentile gte": [
        window("t", "p", type="value_percentile", of="count", percentile=90, when={"gte": 3})
    ],
    "temporal": [window("t", "p", "q", "r", type="temporal")],
    "temporal of overlapping parts": [window("t", "p", "same", "q", type="temporal")],
    "temporal_ordered": [window("t", "p", "q", "r", type="temporal_ordered")],
    "temporal_ordered of overlapping parts": [window("t", "p", "same", "q", type="temporal_ordered")],
    "absence of an answer": [absent("t", "p", "q")],
    "absence of what is usual": [absent("t", "p", usual=2, history=2)],
    "chained at once": [
        window("burst", "p", when={"gte": 3}, alerts=False),
        window("t", "burst", "q", type="temporal_ordered"),
    ],
    "chained later": [
        window("quiet", "p", when={"lt": 3}, alerts=False),
        window("t", "quiet", "q", type="temporal"),
    ],
    "counted in a chain": [
        window("burst", "p", when={"gte": 2}, alerts=False),
        window("t", "burst", when={"gte": 3}, span=20),
    ],
    "chained to an absence": [absent("none", "p", "q"), window("t", "none", "r", type="temporal", span=30)],
}

events_strategy = st.lists(
    st.builds(
        lambda second, kind, service, agency, subject, count: (second, kind, service, agency, subject, count),
        # Few values, so that windows fill, begin and end with events at the very same time.
        st.integers(0, 55),
        st.sampled_from(KINDS),
        st.sampled_from(("a.b", "a.c")),
        st.sampled_from(("MOH", "MOJ")),
        st.sampled_from(("s0", "s1", "s2", "s3")),
        st.integers(0, 5),
    ),
    max_size=40,
)


def made(drawn: Sequence[tuple[Any, ...]]) -> list[Given]:
    """Events of what was drawn, none of them later than the lateness."""
    return [
        at(second, kind, f"e{number:02}", service=service, agency=agency, subject=subject, count=count)
        for number, (second, kind, service, agency, subject, count) in enumerate(drawn)
    ]


def engine_of(name: str, **settings: Any) -> Engine:
    """An engine with the rules of one case."""
    sources = [of_kind(kind, kind) for kind in KINDS]
    return engine(rules(*sources, of_kind("same", "p"), *EVERY_KIND[name]), **settings)


def run(one: Engine, events: Sequence[Given]) -> list[Detection]:
    """All that is found in events."""
    one.observe_many(events)
    one.advance(START + round(END * S))
    return one.take().detections


@pytest.mark.parametrize("name", EVERY_KIND)
@settings(max_examples=40, deadline=None)
@given(drawn=events_strategy, shuffle=st.randoms(use_true_random=False))
def test_order_within_the_lateness_changes_nothing(name: str, drawn: Any, shuffle: Any) -> None:
    """Any permutation gives the same sum of detections."""
    events = made(drawn)
    shuffled = list(events)
    shuffle.shuffle(shuffled)
    straight = sorted(events, key=lambda each: each.time_ms)
    assert figures(run(engine_of(name), shuffled)) == figures(run(engine_of(name), straight))


@pytest.mark.parametrize("name", EVERY_KIND)
@settings(max_examples=25, deadline=None)
@given(drawn=events_strategy, shuffle=st.randoms(use_true_random=False))
def test_events_that_come_twice_count_once(name: str, drawn: Any, shuffle: Any) -> None:
    """Whenever within the lateness the second one comes."""
    if name == "absence of what is usual":
        return  # it counts, and remembers no single events
    events = made(drawn)
    twice = [*events, *events]
    shuffle.shuffle(twice)
    assert figures(run(engine_of(name), twice)) == figures(run(engine_of(name), events))


Test = Callable[[Sequence[Given]], bool]


def counted(events: Sequence[Given], holds: Test, span: int = 10 * S) -> Counter[tuple[str, str]]:
    """By the definition: events of at least one window (t - span, t] that holds, by agency and service."""
    hit: dict[str, Given] = {}
    for end in events:
        held = [
            each
            for each in events
            if end.time_ms - span < each.time_ms <= end.time_ms and each.event.service == end.event.service
        ]
        if holds(sorted(held, key=lambda each: (each.time_ms, each.event_id))):
            hit.update({each.event_id: each for each in held})
    return Counter((each.event.agency, each.event.service) for each in hit.values())


def in_order(events: Sequence[Given]) -> bool:
    """Whether p, q and r come one after the other."""
    wanted = list(KINDS)
    for each in events:
        if wanted and each.event.kind == wanted[0]:
            wanted.pop(0)
    return not wanted


def percentile(events: Sequence[Given], share: float) -> float:
    """Between the two nearest ranks."""
    values = sorted(each.event.count for each in events)
    rank = share * (len(values) - 1)
    low = values[int(rank)]
    high = values[min(int(rank) + 1, len(values) - 1)]
    return float(low + (high - low) * (rank - int(rank)))


BY_DEFINITION: dict[str, tuple[str, Test]] = {
    "event_count gte": ("p", lambda held: len(held) >= 3),
    "event_count gt": ("pq", lambda held: len(held) > 3),
    "event_count of a range": ("p", lambda held: 2 <= len(held) < 4),
    "event_count lt": ("p", lambda held: len(held) < 3),
    "event_count eq": ("p", lambda held: len(held) == 2),
    "event_count neq": ("p", lambda held: len(held) != 2),
    "value_count gte": ("p", lambda held: len({each.event.subject for each in held}) >= 3),
    "value_count lte": ("p", lambda held: len({each.event.subject for each in held}) <= 2),
    "value_sum gte": ("p", lambda held: sum(each.event.count for each in held) >= 9),
    "value_sum lt": ("p", lambda held: sum(each.event.count for each in held) < 5),
    "value_avg gt": ("p", lambda held: sum(each.event.count for each in held) / len(held) > 2.5),
    "value_percentile gte": ("p", lambda held: percentile(held, 0.9) >= 3),
    "temporal": ("pqr", lambda held: len({each.event.kind for each in held}) == 3),
    "temporal_ordered": ("pqr", in_order),
}


@pytest.mark.parametrize("name", BY_DEFINITION)
@settings(max_examples=40, deadline=None)
@given(drawn=events_strategy, shuffle=st.randoms(use_true_random=False))
def test_windows_count_what_their_definition_says(name: str, drawn: Any, shuffle: Any) -> None:
    """Compared with a search through all windows."""
    events = made(drawn)
    kinds, holds = BY_DEFINITION[name]
    expected = counted([each for each in events if each.event.kind in kinds], holds)
    shuffle.shuffle(events)
    detections = run(engine_of(name), events)
    assert {(one[1], dict(one[2])["service"]): held[0] for one, held in figures(detections).items()} == {
        (agency, service): count for (agency, service), count in expected.items()
    }


PACES = st.sampled_from(
    [Pace(after=0), Pace(after=0, states=1), Pace(after=2, states=1), Pace(after=5, states=2), Pace(after=99)]
)


@pytest.mark.parametrize("name", EVERY_KIND)
@settings(max_examples=40, deadline=None)
@given(
    drawn=events_strategy,
    stops=st.sets(st.integers(0, 40), max_size=4),
    pace=PACES,
    lateness=st.sampled_from((60 * S, 3 * S)),
)
def test_a_stop_anywhere_changes_nothing(
    name: str, drawn: Any, stops: set[int], pace: Pace, lateness: int
) -> None:
    """A restored engine finds what one finds that never stopped, also when the watermark follows closely."""
    events = made(drawn)
    if lateness < 60 * S:
        events.sort(key=lambda each: each.time_ms)

    def make() -> Engine:
        return engine_of(name, pace=pace, lateness_ms=lateness)

    whole = run(make(), events)
    assert figures(run_with_stops(make, events, stops)) == figures(whole)


@settings(max_examples=40, deadline=None)
@given(drawn=events_strategy, stops=st.sets(st.integers(0, 40), max_size=4), pace=PACES)
def test_a_stop_changes_nothing_where_memory_is_short(drawn: Any, stops: set[int], pace: Pace) -> None:
    """Groups that were evicted stay forgotten after a restart, and no others are."""
    sources = [of_kind(kind, kind) for kind in KINDS]
    windows: list[MemoryRule] = [
        window("w", "p", "q", when={"gte": 2}, by=("service", "subject"), span=20),
        window("v", "p", type="value_avg", of="count", when={"lt": 3}, by=("subject",)),
        new_term("n", "p", span=30),
    ]

    def make() -> Engine:
        return engine(rules(*sources, *windows), pace=pace, limits=Limits(groups=3, entries=3, total=8))

    events = made(drawn)
    assert figures(run_with_stops(make, events, stops)) == figures(run(make(), events))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", EVERY_KIND)
def test_a_stop_changes_nothing_where_much_comes_and_little_is_kept(name: str, seed: int) -> None:
    """Long streams with events out of order and twice, so that entries go in all the ways there are."""
    lot = random.Random(f"{name} {seed}")
    limits = Limits(lot.choice((1, 2, 100)), lot.choice((2, 3, 10, 33)), lot.choice((10, 50, 1000)))
    events: list[Given] = []
    second = 0.0
    for number in range(150):
        second += lot.expovariate(lot.choice((0.5, 2)))
        time = max(0.0, round(second - lot.random() * 6, 3))
        service = lot.choice(("a.b", "a.b", "a.b", "a.c"))
        agency, subject = lot.choice(("MOH", "MOJ")), f"s{lot.randrange(4)}"
        kind = lot.choice("ppppqr")
        fields = {"service": service, "agency": agency, "subject": subject, "count": lot.randrange(6)}
        events.append(at(time, kind, f"e{number}", **fields))  # type: ignore[arg-type]
        if lot.random() < 0.1:
            events.append(lot.choice(events[-20:]))
    stops = {number for number in range(len(events)) if lot.random() < 0.3}

    lateness = lot.choice((5, 20)) * S

    def make() -> Engine:
        return engine_of(name, limits=limits, lateness_ms=lateness)

    never = run_with_stops(make, events, ())
    assert figures(run_with_stops(make, events, stops)) == figures(never)


@settings(max_examples=40, deadline=None)
@given(drawn=events_strategy, stops=st.sets(st.integers(0, 40), max_size=4), pace=PACES)
def test_a_stop_changes_nothing_for_new_terms(drawn: Any, stops: set[int], pace: Pace) -> None:
    """What was known before stays known."""
    sources = [of_kind(kind, kind) for kind in KINDS]

    def make() -> Engine:
        return engine(rules(*sources, new_term("n", "p", span=15, learning=5)), pace=pace, lateness_ms=2 * S)

    events = sorted(made(drawn), key=lambda each: each.time_ms)
    assert figures(run_with_stops(make, events, stops)) == figures(run(make(), events))


@settings(max_examples=100, deadline=None)
@given(drawn=events_strategy, shuffle=st.randoms(use_true_random=False))
def test_new_terms_are_the_same_in_any_order(drawn: Any, shuffle: Any) -> None:
    """Which values are new does not depend on the order within the lateness; which event shows it may."""
    events = made(drawn)
    shuffled = list(events)
    shuffle.shuffle(shuffled)
    sources = [of_kind(kind, kind) for kind in KINDS]
    given_rules = rules(*sources, new_term("n", "p", span=100))

    def values(order: Sequence[Given]) -> set[tuple[Any, ...]]:
        return {(one.rule, one.group, one.count) for one in run(engine(given_rules), order)}

    assert values(shuffled) == values(events)
