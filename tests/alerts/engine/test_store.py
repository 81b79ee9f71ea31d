"""The engine's memory in the database, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import func, select, update

from alerts.engine import tables
from alerts.engine.changes import Pace
from alerts.engine.engine import Engine
from alerts.engine.groups import Limits
from alerts.engine.store import EngineStore
from alerts.model import Detection
from alerts.rule import RuleSet
from monitor.errors import MonitorError
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.tables import metadata
from tests.alerts.engine.building import (
    START,
    Given,
    S,
    absent,
    at,
    engine,
    figures,
    found,
    new_term,
    of_kind,
    rules,
    window,
)

RULES = rules(
    of_kind("p", "p", alerts=True),
    of_kind("q", "q"),
    window("burst", "p", when={"gte": 3}),
    window("few", "p", when={"lt": 2}, by=("actor", "service")),
    window("then", "burst", "q", type="temporal_ordered"),
    absent("none", "p", "q"),
    absent("silent", "p", usual=1, history=2),
    new_term("new", "p"),
)
EVENTS: Sequence[Given] = [
    at(
        second,
        "pq"[second % 5 == 4],
        f"e{second}",
        service=f"s.{second % 7}",
        actor=f"o-{second % 3}",
        subject="s",
    )
    for second in range(0, 240, 2)
]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with the tables of detectors."""
    url = (
        f"sqlite:///{tmp_path}/monitor.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    one = open_engine(load_settings(database_url=url).sqlalchemy_url)
    metadata.create_all(one, tables=[tables.progress, tables.journal, tables.states])
    yield one
    one.dispose()


def resumed(
    database: Database, given: RuleSet = RULES, pace: Pace | None = None
) -> tuple[Engine, EngineStore]:
    """An engine that goes on where the database says."""
    store = EngineStore("security-events", 3)
    one = engine(given, pace=pace)
    with database.begin() as connection:
        loaded = store.load(connection, given.fingerprints)
    if loaded is not None:
        one.restore(loaded)
    return one, store


def rows(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    with database.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.progress, tables.journal, tables.states)
        }


def commit(database: Database, one: Engine, store: EngineStore) -> list[Detection]:
    """Write what an engine has; return what it found."""
    changes = one.take()
    with database.begin() as connection:
        store.write(connection, changes)
    return changes.detections


@pytest.mark.parametrize("pace", [Pace(after=0), Pace(after=3, states=2), Pace(after=1000)])
def test_an_engine_goes_on_where_the_last_commit_left_it(database: Database, pace: Pace) -> None:
    """What was not committed is read again; in all, the same is found as without a stop."""
    whole = found(engine(RULES), EVENTS, until=900)
    detections: list[Detection] = []
    one, store = resumed(database, pace=pace)
    for start in range(0, len(EVENTS), 8):
        one.observe_many(EVENTS[start : start + 8])
        detections += commit(database, one, store)
        if start % 24 == 16:
            one.observe_many(EVENTS[start + 8 : start + 12])
            one, store = resumed(database, pace=pace)
    assert one.newest_ms == EVENTS[-1].time_ms
    one.advance(START + 900 * S)
    detections += commit(database, one, store)
    assert figures(detections) == figures(whole)


def test_a_transaction_that_is_tried_again_writes_the_same(database: Database) -> None:
    """A commit that failed is repeated with the same changes."""
    one, store = resumed(database, pace=Pace(after=0))
    one.observe_many(EVENTS)
    changes = one.take()
    with database.connect() as connection, connection.begin() as transaction:
        store.write(connection, changes)
        transaction.rollback()
    assert rows(database)["detector_states"] == 0
    with database.begin() as connection:
        store.write(connection, changes)
    assert rows(database)["detector_states"] > 0
    again, _ = resumed(database)
    assert again.groups == one.groups


def test_states_that_are_over_leave_no_rows(database: Database) -> None:
    """Nor does the journal keep what states hold."""
    one, store = resumed(database, pace=Pace(after=0))
    one.observe_many(EVENTS)
    commit(database, one, store)
    one.advance(START + 10_000 * S)
    commit(database, one, store)
    commit(database, one, store)
    assert rows(database) == {"detector_progress": 1, "detector_journal": 0, "detector_states": 0}


def test_a_rule_that_changed_starts_empty_and_others_go_on(database: Database) -> None:
    """Its rows are deleted, and those of rules that are gone; in the journal they are passed over."""
    for pace in (Pace(after=0), Pace(after=1000)):
        one, store = resumed(database, pace=pace)
        one.observe_many(EVENTS)
        commit(database, one, store)
        held = {**RULES.fingerprints, "burst": "another"}
        changed = replace(
            RULES,
            memories=tuple(each for each in RULES.memories if each.info.id != "new"),
            fingerprints={rule: fingerprint for rule, fingerprint in held.items() if rule != "new"},
        )
        again, _ = resumed(database, changed)
        expected = {rule: groups for rule, groups in one.groups.items() if rule != "new"}
        assert again.groups == {**expected, "burst": 0}
        with database.begin() as connection:
            left = set(connection.execute(select(tables.states.c.rule)).scalars())
            assert not left & {"burst", "new"}
            for table in (tables.progress, tables.journal, tables.states):
                connection.execute(table.delete())


def test_partitions_do_not_see_each_other(database: Database) -> None:
    """Each has its own rows."""
    one, store = resumed(database)
    one.observe_many(EVENTS)
    commit(database, one, store)
    with database.begin() as connection:
        assert EngineStore("security-events", 4).load(connection, RULES.fingerprints) is None
        assert EngineStore("exchanges", 3).load(connection, RULES.fingerprints) is None


def test_memory_of_another_format_is_forgotten(database: Database) -> None:
    """A program that keeps it otherwise learns anew."""
    one, store = resumed(database, pace=Pace(after=0))
    one.observe_many(EVENTS)
    commit(database, one, store)
    with database.begin() as connection:
        connection.execute(update(tables.progress).values(format=0))
        assert store.load(connection, RULES.fingerprints) is None
    assert set(rows(database).values()) == {0}


def test_memory_that_cannot_be_read_is_named(database: Database) -> None:
    """With what to do about it."""
    one, store = resumed(database, pace=Pace(after=0))
    one.observe_many(EVENTS)
    commit(database, one, store)
    with database.begin() as connection:
        connection.execute(update(tables.states).values(state=b"\x93spoilt"))
    with (
        database.begin() as connection,
        pytest.raises(MonitorError, match=r"security-events/3: .*detector_states"),
    ):
        store.load(connection, RULES.fingerprints)


def test_figures_go_on_after_a_restart(database: Database) -> None:
    """What came too late before is not forgotten."""
    one, store = resumed(database)
    one.observe_many([at(500, "p"), at(1, "p", "old")])
    assert one.too_late == 1
    commit(database, one, store)
    again, _ = resumed(database)
    assert (again.too_late, again.watermark_ms) == (1, START + 440 * S)


def test_what_was_forgotten_before_a_restart_stays_counted(database: Database) -> None:
    """However often steps are done again: what the database holds of a partition never falls."""
    limits = Limits(groups=4, entries=3)
    adding = window("sum", "p", type="value_sum", of="count", when={"gte": 999}, span=600)
    given_rules = rules(of_kind("p", "p"), adding)
    one, store = engine(given_rules, limits=limits), EngineStore("security-events", 3)
    one.observe_many([at(number, "p", service=f"s.{number}", count=1) for number in range(20)])
    one.observe_many([at(number, "p", f"o{number}", service="s.19", count=1) for number in range(20, 30)])
    expected = {"groups_evicted": 16, "entries_dropped": 8}
    for further in range(3):
        changes = one.take()
        assert expected.items() <= changes.progress.counters.items()
        with database.begin() as connection:
            store.write(connection, changes)
            loaded = store.load(connection, given_rules.fingerprints)
        assert loaded is not None
        one = engine(given_rules, limits=limits)
        one.restore(loaded)
        one.observe(*at(30 + further, "p", service=f"s.{30 + further}", count=1))
        expected["groups_evicted"] += 1
