"""Lifecycle events in the database: exact after any crash, one owner, no names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import make_url

from monitor.events.rejection import Reason, Rejection
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.progress import Fenced
from tests.builders import MOMENT
from tests.monitor.lifecycle.parts import NOW, STRANGER, Came, Owner, held, lifecycle, play, recount

OURS = [tables.offsets, tables.seen_ids, tables.rejected, tables.gaps, tables.lifecycle_events]
LAGS = [0.0, 0.0, 10.0, 400.0, 90_000.0, -290.0, -301.0, 90 * 86400.5]
FOR_EVER = timedelta(days=365)
_topics = itertools.count()


def opened(path: Path) -> Engine:
    """A SQLite database with the tables that these tests need."""
    engine = open_engine(make_url(f"sqlite:///{path}"))
    tables.metadata.create_all(engine, tables=OURS)
    return engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database; each example is a topic of its own."""
    engine = opened(tmp_path_factory.mktemp("lifecycle") / "monitor.db")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = opened(tmp_path / "monitor.db")
    else:
        url = str(request.getfixturevalue("postgres_url"))
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        tables.metadata.create_all(engine, tables=OURS)
    yield engine
    engine.dispose()


@st.composite
def streams(draw: st.DrawFn) -> list[Came]:
    """Events as they come: in order or not, again, from strangers, malformed, of all ages."""
    came = []
    arrived = MOMENT
    for number in range(draw(st.integers(0, 20))):
        arrived += timedelta(seconds=draw(st.integers(0, 600)))
        if draw(st.integers(0, 9)) == 0:
            came.append(Came(Rejection(Reason.NOT_JSON, "why"), arrived))
            continue
        one = lifecycle(
            draw(st.sampled_from(["cleared", "went_live", "suspended", "reviewed"])),
            arrived - timedelta(seconds=draw(st.sampled_from(LAGS))),
            id=draw(st.sampled_from([f"new-{number}", f"new-{number}", "again-1", "again-2"])),
            agency=draw(st.sampled_from(["MOH", "MPS", "GOV-M5", STRANGER])),
        )
        came.append(Came(one, arrived))
    return came


plans = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["commit", "crash", "reread", "go on"])), max_size=12
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), plans)
def test_what_is_kept_is_what_a_plain_recount_keeps_wherever_it_crashes(
    shared: Engine, came: list[Came], plan: list[tuple[int, str]]
) -> None:
    """However events are cut into batches, committed, read again, or lost with the process."""
    topic = f"t{next(_topics)}"
    assert play(shared, topic, came, plan, dedupe_window=FOR_EVER) == recount(came)


def test_a_bumpy_ride_ends_alike_on_both_databases(engine: Engine) -> None:
    """A fixed one, as hypothesis only rides on SQLite."""
    came = [
        Came(
            lifecycle(
                "went_live",
                MOMENT + timedelta(minutes=number),
                id=f"e{number % 40}",
                agency=("MOH", "GOV-M5", STRANGER)[number % 3],
            ),
            MOMENT + timedelta(minutes=number),
        )
        for number in range(60)
    ]
    plan = [(7, "commit"), (5, "crash"), (9, "commit"), (1, "reread"), (30, "crash"), (3, "commit")]
    assert play(engine, "t", came, plan, dedupe_window=FOR_EVER) == recount(came)


def test_an_event_is_stored_whole(engine: Engine) -> None:
    """On both databases, in many rows (which PostgreSQL copies) and in few."""
    for partition, count in enumerate((1, 250)):
        owner = Owner(engine, partition=partition)
        owner.fold(
            *(
                lifecycle(
                    "requested", id=f"e\0{number}", agreement="AGR-1", service="x\0y",
                    request="123/BTTTT-CĐS", due="2026-10-20", limit="complex",
                )
                for number in range(count)
            )
        )  # fmt: skip
        written = owner.commit()
        assert written.counts == {("MOH", "requested"): count}
        stored = tables.lifecycle_events
        query = select(stored).where(stored.c.partition == partition).order_by(stored.c.source_offset)
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        assert [row["source_offset"] for row in rows] == list(range(count))
        assert rows[-1] == {
            "topic": "lifecycle-events", "partition": partition, "source_offset": count - 1,
            "id": f"e\ufffd{count - 1}", "time": MOMENT, "agency": "MOH", "kind": "requested",
            "agreement": "AGR-1", "service": "x\ufffdy", "request": "123/BTTTT-CĐS",
            "due": date(2026, 10, 20), "limit": "complex",
        }  # fmt: skip


def test_of_two_owners_the_second_is_fenced(engine: Engine) -> None:
    """Nothing of what it counted is written."""
    first, second = Owner(engine), Owner(engine)
    first.fold(lifecycle(id="1"))
    second.fold(lifecycle(id="1"), lifecycle(id="2"))
    first.commit()
    with pytest.raises(Fenced):
        second.commit()
    assert [row[0] for row in held(engine)["events"].values()] == ["1"]


def test_what_fails_beside_it_undoes_everything(shared: Engine) -> None:
    """And the same changes can be written again."""
    topic = f"t{next(_topics)}"
    owner = Owner(shared, topic=topic)
    owner.fold(lifecycle(id="1"))
    changes = owner.ledger.take()

    def fails(_: Connection) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        owner.store.write(changes, NOW, [fails])
    assert held(shared, topic)["events"] == {}
    owner.store.write(changes, NOW)
    assert len(held(shared, topic)["events"]) == 1


def test_of_an_unknown_agency_the_event_is_kept_and_the_name_noted(shared: Engine) -> None:
    """As for exchanges; a mail address that stands for a name is none that is written down."""
    topic = f"t{next(_topics)}"
    owner = Owner(shared, topic=topic)
    owner.fold(
        lifecycle(id="1", agency=STRANGER),
        lifecycle(id="2", agency="binh@moh.example"),
        lifecycle(id="3", service="no.such-service"),
    )
    owner.commit()
    found = held(shared, topic)
    assert [row[1] for row in found["events"].values()] == ["unregistered", "unregistered", "MOH"]
    assert found["gaps"] == {STRANGER: 1, "withheld": 1, "no.such-service": 1}


def test_late_events_and_duplicates_are_counted(shared: Engine) -> None:
    """They are for the metrics; a late one is kept."""
    owner = Owner(shared, topic=f"t{next(_topics)}")
    owner.fold(lifecycle(id="1"), lifecycle(id="2", time=MOMENT - timedelta(hours=2)), lifecycle(id="1"))
    written = owner.commit()
    assert (written.counts, written.late, written.duplicates) == ({("MOH", "cleared"): 2}, 1, 1)
