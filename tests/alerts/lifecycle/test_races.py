"""Several transactions at once on the same alerts: exact, and none is ended for a deadlock."""

from __future__ import annotations

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import psycopg
import pytest
from sqlalchemy import Engine

from alerts.lifecycle import locked, upkeep
from alerts.lifecycle.alert import Change
from alerts.model import Detection
from tests.alerts.lifecycle.parts import MINUTE, NOW, Desk, detection
from tests.builders import MOMENT

GROUPS = 12
WRITERS = 3
TRANSACTIONS = 15


class Undone(Exception):
    """A transaction that fails after it has written: the worker was fenced."""


def work(number: int) -> list[list[Detection]]:
    """What one partition finds, transaction by transaction."""
    chance = random.Random(number)
    return [
        [
            detection(minute, service=f"s{chance.randrange(GROUPS)}", events=[f"{number}-{turn}-{one}"])
            for one in range(chance.randrange(1, 9))
        ]
        for turn, minute in enumerate(range(0, TRANSACTIONS * 7, 7))
    ]


def test_partitions_that_write_at_once_lose_nothing(engine: Engine) -> None:
    """Three of them on the same alerts, with transactions that are undone and written again, while alerts are
    resolved, repeated, acknowledged and deleted."""
    desk = Desk(engine)
    start, done = Barrier(WRITERS + 1), Event()

    def write(number: int) -> None:
        chance = random.Random(number + 100)
        start.wait()
        for found in work(number):
            for again in (True, False):
                chance.shuffle(found)
                if again and chance.random() < 0.5:
                    continue
                try:
                    with engine.begin() as connection:
                        desk.book.write(connection, found, NOW)
                        if again:
                            raise Undone
                except Undone:
                    pass

    def keep_up() -> None:
        start.wait()
        minute = 0
        while not done.is_set():
            minute += 3
            desk.quiet(minute)
            desk.repeat(NOW + minute * MINUTE)
            for one in desk.alerts()[:3]:
                desk.take(one)
            with engine.begin() as connection:
                upkeep.prune(connection, MOMENT - MINUTE)

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        writers = [pool.submit(write, number) for number in range(WRITERS)]
        keeper = pool.submit(keep_up)
        try:
            for writer in writers:
                writer.result()
        finally:
            done.set()
        keeper.result()
    everything = [one for number in range(WRITERS) for found in work(number) for one in found]
    expected = {f"s{number}": 0 for number in range(GROUPS)}
    for one in everything:
        expected[dict(one.group)["service"]] += one.count
    counted = dict.fromkeys(expected, 0)
    for alert in desk.alerts():
        counted[dict(alert.group)["service"]] += alert.count
    assert counted == expected


@pytest.fixture
def server(postgres_url: str) -> str:
    """The database of the fixture `engine`, where it is PostgreSQL."""
    return postgres_url


def until_it_waits(watcher: psycopg.Connection, other: Future[list[Change]]) -> None:
    """Return once a transaction of the other thread waits for a lock."""
    waiting = """SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    deadline = time.monotonic() + 30
    while watcher.execute(waiting).fetchone() != (1,):
        assert time.monotonic() < deadline
        assert not other.done()
        time.sleep(0.01)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_second_to_open_an_alert_waits_for_the_first_and_adds_to_it(engine: Engine, server: str) -> None:
    """Neither fails, though the alert was there for none of them when it began."""
    desk = Desk(engine)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server, autocommit=True) as watcher:
        with engine.begin() as connection:
            desk.book.write(connection, [detection(count=2)], NOW)
            second = pool.submit(desk.find, detection(1, count=3))
            until_it_waits(watcher, second)
        assert second.result(timeout=30) == []
    (one,) = desk.alerts()
    assert (one.count, one.episode) == (5, 1)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_an_alert_that_is_pruned_while_it_comes_again_opens_anew(engine: Engine, server: str) -> None:
    """What is found waits for who prunes, and then has no row to lock."""
    desk = Desk(engine)
    desk.find(detection())
    with engine.begin() as connection:
        upkeep.resolve_quiet(connection, NOW + timedelta(days=1), NOW + timedelta(days=1))
    later = NOW + timedelta(days=400)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server, autocommit=True) as watcher:
        with engine.begin() as connection:
            locked.lock(connection, [one.id for one in desk.alerts()])  # as who prunes does first
            again = pool.submit(desk.find, detection(400 * 24 * 60), now=later)
            until_it_waits(watcher, again)
            assert upkeep.prune(connection, NOW + timedelta(days=300)) == 1
        again.result(timeout=30)
    assert [one.state for one in desk.alerts()] == ["open"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_an_alert_to_which_something_was_added_meanwhile_is_not_resolved(engine: Engine, server: str) -> None:
    """What resolves it waited for the detection's transaction, and looks again."""
    desk = Desk(engine)
    desk.find(detection(0))
    with ThreadPoolExecutor(1) as pool, psycopg.connect(server, autocommit=True) as watcher:
        with engine.begin() as connection:
            desk.book.write(connection, [detection(25)], NOW)
            resolving = pool.submit(desk.quiet, 31)
            until_it_waits(watcher, resolving)
        assert resolving.result(timeout=30) == []
    assert [one.state for one in desk.alerts()] == ["open"]
