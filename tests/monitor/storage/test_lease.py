"""Leases: one holder at a time, on both databases, whatever the clocks of the workers say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, select

from monitor.storage.lease import Lease, leases, release_lease, take_lease
from monitor.storage.tables import metadata
from tests.builders import MOMENT

LENGTH = timedelta(seconds=15)


@pytest.fixture
def database(empty: Engine) -> Engine:
    """A database with the table of leases."""
    metadata.create_all(empty, tables=[leases])
    return empty


def take(engine: Engine, holder: str, seconds: float | None = None) -> bool:
    """Take the lease `work` so many seconds after MOMENT, or by the database's clock."""
    now = None if seconds is None else MOMENT + timedelta(seconds=seconds)
    with engine.begin() as connection:
        return take_lease(connection, "work", holder, LENGTH, now)


def holds(lease: Lease) -> bool:
    """Whether it is held at this moment: a property that a type checker takes for constant."""
    return lease.held


def test_a_lease_has_one_holder_until_it_ends(database: Engine) -> None:
    """Another gets it when its time is over, and not before; then the first has lost it."""
    assert take(database, "one", 0)
    assert not take(database, "two", 14.999)
    assert take(database, "two", 15)
    assert not take(database, "one", 16)


def test_a_holder_renews_its_lease(database: Engine) -> None:
    """Each renewal counts from its own time."""
    assert take(database, "one", 0)
    assert take(database, "one", 10)
    assert not take(database, "two", 20)
    assert take(database, "two", 25)


def test_a_released_lease_is_free_at_once_and_only_its_holder_releases_it(database: Engine) -> None:
    """Somebody else's release changes nothing."""
    assert take(database, "one", 0)
    with database.begin() as connection:
        release_lease(connection, "work", "two")
    assert not take(database, "two", 1)
    with database.begin() as connection:
        release_lease(connection, "work", "one")
    assert take(database, "two", 1)


def test_leases_of_different_names_are_apart(database: Engine) -> None:
    """Each piece of work has its own."""
    assert take(database, "one", 0)
    with database.begin() as connection:
        assert take_lease(connection, "other work", "two", LENGTH, MOMENT)


def test_the_databases_clock_decides_where_no_time_is_given(database: Engine) -> None:
    """It is the time of day: a lease is for its length from about now."""
    assert take(database, "one")
    with database.connect() as connection:
        until = connection.execute(select(leases.c.until)).scalar_one()
    assert abs(until - LENGTH - datetime.now(UTC)) < timedelta(seconds=5)
    assert not take(database, "two")


def test_of_many_that_ask_at_once_one_gets_it(database: Engine) -> None:
    """Also when nobody has had it before."""
    with ThreadPoolExecutor(6) as threads:
        asked = list(threads.map(lambda number: take(database, str(number)), range(6)))
    assert sum(asked) == 1


def test_a_holder_that_could_not_renew_knows_when_its_lease_is_over(database: Engine) -> None:
    """By its own clock, without asking: the database may be what is away."""
    clock = [100.0]
    lease = Lease(database, "work", "one", LENGTH, lambda: clock[0])
    other = Lease(database, "work", "two", LENGTH, lambda: clock[0])
    assert not holds(lease)
    assert lease.take()
    assert not other.take()
    assert (holds(lease), holds(other)) == (True, False)
    clock[0] += 14.9
    assert holds(lease)
    clock[0] += 0.2
    assert not holds(lease)
    assert lease.take()  # the database's clock is not that far yet
    lease.release()
    assert not holds(lease)
    assert other.take()


def test_a_lease_that_is_kept_is_renewed_when_half_of_it_is_over(database: Engine) -> None:
    """Before, no transaction is spent on it; one that another has is asked for each time."""
    clock, asked = [100.0], []
    event.listen(database, "begin", lambda _: asked.append(clock[0]))
    lease = Lease(database, "work", "one", LENGTH, lambda: clock[0])
    other = Lease(database, "work", "two", LENGTH, lambda: clock[0])
    for seconds in (0, 3, 7, 8, 11, 15, 16):
        clock[0] = 100.0 + seconds
        assert lease.keep()
    assert asked == [100.0, 108.0, 116.0]
    assert not other.keep()
    assert not other.keep()
    assert len(asked) == 5
