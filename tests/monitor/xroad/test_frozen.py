"""Late calls that are final: their rows go, no figure changes; and a source that is taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.storage import tables
from monitor.xroad import frozen
from monitor.xroad.frozen import freeze, retract
from monitor.xroad.late import FROZEN
from tests.monitor.xroad.parts import BEGIN, TOPIC, Owner, body, counted, halves, rows, totals

AGE = timedelta(days=90)
NOW = BEGIN + AGE + timedelta(days=3)  # the rows of these tests change at BEGIN


def settle(engine: Engine, *numbers: int, topic: str = TOPIC, **changes: Any) -> None:
    """Count the client's halves of calls as orphans."""
    owner = Owner(engine, topic=topic)
    owner.fold(*[body(halves(number, **changes)[0]) for number in numbers])
    owner.ledger.tick(BEGIN + timedelta(days=1))
    owner.commit()


def test_freezing_moves_sums_and_changes_no_figure(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hour by hour, in as many transactions as it takes, until no row is old enough."""
    monkeypatch.setattr(frozen, "MOST_CALLS", 7)
    settle(engine, *range(20), succeeded=False, faultCode="Client.AccessDenied")
    settle(engine, *range(300, 320), topic="another")
    before = totals(engine), counted(engine), _findings(engine)
    done: list[int] = []
    while not done or done[-1]:
        with engine.begin() as connection:
            done.append(freeze(connection, engine, AGE, NOW))
    assert sum(done) == 40
    assert max(done) == 7
    assert rows(engine, tables.xroad_late) == []
    assert (totals(engine), counted(engine), _findings(engine)) == before
    sources = {(row["topic"], row["partition"]) for row in rows(engine, tables.cells)}
    assert sources == {("xroad-records:late", FROZEN)}
    (secured,) = rows(engine, tables.security_counts)
    assert secured["count"] == 20


def _findings(engine: Engine) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    return {
        (row["hour"], row["service"], row["breach"]): (row["count"], row["denied"], row["last_time"])
        for row in rows(engine, tables.findings)
    }


def test_what_may_still_change_stays(engine: Engine) -> None:
    """An hour within which halves are accepted, and one that was changed a moment ago."""
    settle(engine, 1)
    for now in (BEGIN + AGE, BEGIN + timedelta(days=1)):
        with engine.begin() as connection:
            assert freeze(connection, engine, AGE, now) == 0
    with engine.begin() as connection:
        assert freeze(connection, engine, timedelta(0), BEGIN + timedelta(days=1, hours=23)) == 0
        assert freeze(connection, engine, timedelta(0), BEGIN + timedelta(days=2, hours=2)) == 1


def test_hours_with_calls_of_history_files_stay_for_longer(either: Engine) -> None:
    """Whatever else is in them: each server's file may be counted by itself. Hours of topics alone do not."""
    settle(either, 1)
    settle(either, 2, topic="file:a")
    settle(either, 3, topic="file:b", at=BEGIN + timedelta(hours=1))
    settle(either, 4, topic="another", at=BEGIN + timedelta(hours=2))
    before = totals(either), counted(either)
    went = []
    for days in (3, 4, 89, 91, 92, 93):
        with either.begin() as connection:
            went.append(freeze(connection, either, timedelta(0), BEGIN + timedelta(days=days)))
    assert went[:3] == [1, 0, 0]
    assert (sorted(went[3:5]), went[5]) == ([1, 2], 0)
    assert (totals(either), counted(either)) == before


def test_a_call_that_a_file_completes_keeps_its_hour_anew(engine: Engine) -> None:
    """Its own row came from a file, and others of the hour may still be completed."""
    _, producer = halves(1)
    settle(engine, 1, 2, topic="file:a")
    later = Owner(engine, topic="file:b")
    later.fold(body(producer))
    later.store.write(later.ledger.take(), BEGIN + timedelta(days=80))
    with engine.begin() as connection:
        assert freeze(connection, engine, timedelta(0), BEGIN + timedelta(days=169)) == 0
        assert freeze(connection, engine, timedelta(0), BEGIN + timedelta(days=171)) == 2


def test_a_source_is_taken_back_with_what_it_was_counted_as(engine: Engine) -> None:
    """The cells are those of the others' calls."""
    settle(engine, 1, 2, 3)
    others = totals(engine), counted(engine)
    settle(engine, 4, 5, topic="file:a")
    with engine.begin() as connection:
        assert retract(connection, engine, "file:a") == 2
    assert (totals(engine), counted(engine)) == others
