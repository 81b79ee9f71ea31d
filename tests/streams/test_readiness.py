"""Readiness: a member of the group, with all that it was given open, and a database that answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import SchemaError, migrate
from streams import readiness as module
from streams.administration import Administration
from streams.readiness import DATABASE_EVERY_S, PROGRESS_WITHIN_S, Readiness, database_check
from streams.topics import planned
from streams.transport.driver import joined
from tests.streams.lane_parts import TP0, TP1, World


@dataclass
class Worker:
    """A worker's state, and a database that answers as it is told."""

    member: bool = True
    closed: int = 0
    waiting: float = 0.0
    now: float = 100.0
    checks: int = 0
    check: Callable[[], None] = field(default=lambda: None)

    def joined(self) -> bool:
        """Whether the group knows it."""
        return self.member

    def unopened(self) -> int:
        """Partitions given and not open."""
        return self.closed

    def without_progress(self) -> float:
        """Seconds."""
        return self.waiting

    def database(self) -> None:
        """Count the question, and answer."""
        self.checks += 1
        self.check()

    def readiness(self) -> Readiness:
        """What is tested."""
        return Readiness(self, self.database, clock=lambda: self.now)

    def reason(self) -> str | None:
        """One question, one answer."""
        return asyncio.run(self.readiness().reason())


def test_a_spare_worker_is_ready() -> None:
    """It has joined the group and was given nothing: it is there to take over."""
    assert Worker(closed=0).reason() is None


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (Worker(member=False), "not in the consumer group"),
        (Worker(member=False, closed=3), "not in the consumer group"),
        (Worker(closed=1), "1 partition not open yet"),
        (Worker(closed=12), "12 partitions not open yet"),
        (Worker(waiting=PROGRESS_WITHIN_S), None),
        (
            Worker(waiting=PROGRESS_WITHIN_S + 61.2),
            "work is waiting and nothing was committed for 91 s",
        ),
    ],
)
def test_a_worker_that_cannot_do_its_share_says_why(worker: Worker, reason: str | None) -> None:
    """The first thing that is wrong, in words."""
    assert worker.reason() == reason


def test_an_unreachable_database_is_told_without_its_address() -> None:
    """Anybody may ask /readyz: what the driver says of hosts and users is not for them."""

    def check() -> None:
        raise OperationalError("SELECT", None, Exception("connection to db.example as monitor failed"))

    assert Worker(check=check).reason() == "the database cannot be read (OperationalError)"


def test_another_schema_is_told_with_what_to_do() -> None:
    """A database that nobody migrated."""

    def check() -> None:
        raise SchemaError("the database is empty and schema 0007 is needed: run `monitor migrate`")

    assert Worker(check=check).reason() == (
        "the database is empty and schema 0007 is needed: run `monitor migrate`"
    )


def test_a_database_that_hangs_holds_one_thread_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told in time; once it answers, the worker is ready again."""
    monkeypatch.setattr(module, "DATABASE_WITHIN_S", 0.1)
    released = threading.Event()

    def check() -> None:
        released.wait(20)

    worker = Worker(check=check)

    async def story() -> None:
        readiness = worker.readiness()
        for _ in range(2):
            answers = await asyncio.gather(*(readiness.reason() for _ in range(10)))
            assert set(answers) == {"the database does not answer"}
            worker.now += 60
        assert worker.checks == 1
        released.set()
        async with asyncio.timeout(20):
            while await readiness.reason() is not None:
                await asyncio.sleep(0.01)

    asyncio.run(story())


def test_the_database_is_asked_every_two_seconds_at_the_most() -> None:
    """Probes of many cost what one costs."""
    worker = Worker()

    async def story() -> None:
        readiness = worker.readiness()
        for _ in range(5):
            assert await readiness.reason() is None
        assert worker.checks == 1
        worker.now += DATABASE_EVERY_S + 0.1
        assert await readiness.reason() is None
        assert worker.checks == 2

    asyncio.run(story())


def test_the_check_reads_the_schema_of_a_real_database(tmp_path: Path) -> None:
    """Empty, then migrated, then at a version that this program does not know."""
    url = load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url
    engine = open_engine(url)
    check = database_check(open_engine(url, read_only=True))
    with pytest.raises(SchemaError, match="empty"):
        check()
    migrate(engine)
    check()
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="newer"):
        check()


def test_a_database_that_is_not_there_is_an_error_of_sqlalchemy(tmp_path: Path) -> None:
    """That is what readiness takes for an answer, whatever the driver."""
    check = database_check(create_engine(f"sqlite:///{tmp_path}/no-folder/monitor.db"))
    assert Worker(check=check).reason() == "the database cannot be read (OperationalError)"


def test_lanes_tell_what_was_given_and_is_not_open(tmp_path: Path) -> None:
    """From the first partition that was given until all are open, and never while it stops."""
    world = World(tmp_path)

    async def story() -> None:
        lanes = world.lanes()
        async with lanes:
            assert lanes.joined()
            assert lanes.unopened() == 2
            await lanes.open([TP0])
            assert lanes.unopened() == 1
            await lanes.open([TP1])
            assert lanes.unopened() == 0
            world.reader.assigned = set()
            assert lanes.unopened() == 0
            world.reader.member = False
            assert not lanes.joined()
            world.reader.member = True
            await lanes.stop()
            assert not lanes.joined()

    asyncio.run(story())


def test_two_members_of_a_group_have_joined_though_one_has_no_partition(
    embedded_broker: str, topic_prefix: str
) -> None:
    """What is read from inside aiokafka: before the start, in the group, without a partition, and after."""
    settings = load_settings(
        kafka_bootstrap=embedded_broker, topic_prefix=topic_prefix, kafka_profile="embedded"
    )
    topic = settings.topic("exchanges")
    with Administration(settings) as administration:
        plan = [each for each in planned(topic_prefix, 1, None, {}) if each.name == topic]
        assert administration.create(plan, 1) == {topic: None}

    def member() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            topic,
            bootstrap_servers=embedded_broker,
            group_id=topic_prefix,
            session_timeout_ms=2000,
            heartbeat_interval_ms=200,
        )

    async def story() -> None:
        members = [member(), member()]
        assert not any(map(joined, members))
        try:
            for each in members:
                await each.start()
            async with asyncio.timeout(30):
                while not all(map(joined, members)) or sum(len(m.assignment()) for m in members) != 1:
                    await asyncio.sleep(0.05)
            assert sorted(len(each.assignment()) for each in members) == [0, 1]
        finally:
            for each in members:
                await each.stop()
        assert not any(map(joined, members))

    asyncio.run(story())
