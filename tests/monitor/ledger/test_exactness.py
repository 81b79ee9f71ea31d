"""However events are cut into batches and wherever a worker crashes, totals are those of a plain recount."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from monitor.events.rejection import Reason, Rejection
from monitor.ledger.partition import Limits
from monitor.storage import tables
from monitor.storage.engine import open_engine
from tests.builders import PAIR, exchange, limits
from tests.monitor.ledger.recount import BASE, FORBIDDEN, STRANGER, Event, as_recounted, play, recount

_topics = itertools.count()

# How far behind its arrival an event's time lies; negative: ahead of it.
LAGS = [
    0.0,
    0.0,
    0.0,
    10.0,
    240.0,
    290.0,
    400.0,
    4000.0,
    90_000.0,
    -240.0,
    -300.0,
    -301.0,
    90 * 86400.0,
    90 * 86400.5,
]

DURATIONS = [0.0, 0.0004, 0.0005, 1.0, 99.9996, 100.0, 100.0001, 3000.0, 86_400_000.0]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database; each example is a topic of its own."""
    engine = open_engine(make_url(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/monitor.db"))
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Events as they come: in order or not, again, from strangers, malformed, of all ages."""
    events = []
    arrived = BASE
    for number in range(draw(st.integers(0, 25))):
        arrived += timedelta(seconds=draw(st.integers(0, 600)))
        if draw(st.integers(0, 9)) == 0:
            events.append(
                Event(Rejection(draw(st.sampled_from([Reason.NOT_JSON, Reason.EMPTY])), "why"), arrived)
            )
            continue
        names = draw(st.sampled_from([tuple(PAIR)] * 4 + [FORBIDDEN, STRANGER]))
        one = exchange(
            arrived - timedelta(seconds=draw(st.sampled_from(LAGS))),
            id=draw(st.sampled_from([f"new-{number}", f"new-{number}", "again-1", "again-2"])),
            provider=names[0],
            consumer=names[1],
            service=names[2],
            outcome=draw(st.sampled_from(["ok", "ok", "ok", "fault", "denied", "timeout"])),
            duration_ms=draw(st.sampled_from(DURATIONS)),
            records=draw(st.integers(0, 9)),
            response_bytes=draw(st.sampled_from([0, 2048])),
            purpose=draw(st.sampled_from(["health-insurance", "health-insurance", "other"])),
        )
        events.append(Event(one, arrived))
    return events


PLANS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["go", "commit", "commit", "crash", "reread"])), max_size=12
)
THOROUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def played(engine: Engine, events: list[Event], held: Limits, plan: list[tuple[int, str]]) -> dict[str, Any]:
    """What the database holds of events counted under a topic of their own."""
    found = play(engine, f"topic-{next(_topics)}", events, held, plan)
    del found["state"]["topic"]
    return found


@THOROUGH
@given(event_lists(), PLANS)
def test_totals_equal_a_plain_recount(
    engine: Engine, events: list[Event], plan: list[tuple[int, str]]
) -> None:
    """Nothing is lost and nothing is counted twice; each exchange stands in its hour, with its breaches."""
    remembering = limits(dedupe_window=timedelta(days=400))
    found = played(engine, events, remembering, plan)
    assert as_recounted(found) == recount(events)
    if events:
        assert found["state"]["next_offset"] == len(events)
        assert found["state"]["events"] == len(events)


@THOROUGH
@given(event_lists(), PLANS, st.sampled_from([2, 6, 50]), st.sampled_from([1, 20, 300]))
def test_batches_and_restarts_change_nothing(
    engine: Engine, events: list[Event], plan: list[tuple[int, str]], max_ids: int, window_minutes: int
) -> None:
    """Not even what is forgotten when: the memory of ids turns over at the same events."""
    forgetful = limits(dedupe_window=timedelta(minutes=window_minutes), dedupe_max_ids=max_ids)
    assert played(engine, events, forgetful, plan) == played(engine, events, forgetful, [])
