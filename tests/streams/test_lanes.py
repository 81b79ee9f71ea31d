"""All lanes of a worker: opened and closed with their partitions, committed, bounded, and watched."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from faust.types import TP
from sqlalchemy.exc import OperationalError

from streams import lanes as module
from streams.lanes import Lanes, Stalled, Stopping, TopicReplaced
from tests.streams.lane_parts import TP0, TP1, World, batch, good, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that take seconds in earnest take moments here."""
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(module, "RETRY_LAST_S", 0.05)
    monkeypatch.setattr(module, "WATCH_S", 0.01)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[Lanes]:
    """Lanes with their background tasks."""
    lanes = world.lanes()
    async with lanes:
        yield lanes


def told(world: World, story: Any) -> None:
    """Run a story with running lanes."""

    async def whole() -> None:
        async with running(world) as lanes:
            await story(lanes)

    asyncio.run(whole())


def test_partitions_are_committed_by_themselves(tmp_path: Path) -> None:
    """Regularly, each with its own offset; lag follows."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 2, TP1: 4}
        assert await lanes.open([TP0, TP1]) == {TP0: 0, TP1: 0}
        await lanes.process(TP0, batch(0, *good("a", "b")))
        await lanes.process(TP1, batch(0, *good("a"), partition=1))
        await until(lambda: world.stored() == {0: (2, 2), 1: (1, 1)})
        await until(lambda: lanes.committed_offsets() == {TP0: 2, TP1: 1})
        assert lanes.lag() == {TP0: 0, TP1: 3}
        await until(lambda: world.metric("consumer_lag_records", topic="exchanges", partition="1") == 3)
        await lanes.close([TP1])
        assert world.metric("consumer_lag_records", topic="exchanges", partition="1") == 0
        assert lanes.committed_offsets() == {TP0: 2}

    told(world, story)


def test_the_broker_is_asked_once_for_all_partitions_that_open(tmp_path: Path) -> None:
    """Each question may wait behind a fetch that waits for records; those that are open are not asked for."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0, TP1])
        assert world.reader.asked == [{TP0, TP1}]
        await lanes.open([TP0, TP1])
        assert world.reader.asked == [{TP0, TP1}]

    told(world, story)


def test_a_batch_of_a_partition_that_is_not_ours_is_left(tmp_path: Path) -> None:
    """It was fetched before the partition was given away."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        await lanes.process(TP0, batch(0, *good("a")))
        assert lanes.committed_offsets() == {}

    told(world, story)
    assert world.stored() == {}


def test_closing_commits_what_was_counted(tmp_path: Path) -> None:
    """The next owner finds everything."""
    world = World(tmp_path, commit_interval=60)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        assert world.stored() == {0: (-1, 0)}
        await lanes.close([TP0])
        assert world.stored() == {0: (1, 1)}
        assert await lanes.open([TP0]) == {TP0: 1}

    told(world, story)


def test_closing_ends_within_its_time_when_the_database_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group does not wait for a database; what is not committed is read again."""
    monkeypatch.setattr(module, "LAST_COMMIT_S", 0.2)
    world = World(tmp_path, commit_interval=60)
    released = threading.Event()

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        monkeypatch.setattr(lanes._lanes[TP0].store, "write", lambda *_: released.wait(20))
        began = monotonic()
        await lanes.close([TP0])
        assert monotonic() - began < 5
        assert lanes.committed_offsets() == {}
        released.set()

    told(world, story)
    assert world.stored() == {0: (-1, 0)}


def test_a_round_leaves_out_what_was_closed_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is another worker's now: nothing is written of it, and its gauges stay gone."""
    world = World(tmp_path, commit_interval=60)
    released = threading.Event()

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0, TP1])
        await lanes.process(TP0, batch(0, *good("a")))
        first, second = lanes._lanes[TP0], lanes._lanes[TP1]
        write = first.store.write
        monkeypatch.setattr(first.store, "write", lambda *given: (released.wait(20), write(*given))[1])
        under_way = asyncio.create_task(lanes._commit_round(0))
        await until(lambda: first._in_flight is not None)
        await lanes.close([TP1])
        second.process(batch(0, *good("b"), partition=1))
        released.set()
        assert await under_way == 0.0
        assert world.metric("committed_offset", topic="exchanges", partition="1") == 0

    told(world, story)
    assert world.stored() == {0: (1, 1), 1: (-1, 0)}


def test_a_commit_that_the_end_overtakes_is_no_defect(tmp_path: Path) -> None:
    """The database's thread takes work for as long as there are tasks of the lanes that may have some."""
    world = World(tmp_path, commit_interval=60)
    faults: list[RuntimeError] = []

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        lane = lanes._lanes[TP0]

        async def overtaken() -> None:
            await lanes._drained.wait()  # the last step of the end
            lane.process(batch(0, *good("a")))
            try:
                await lane.commit()
            except RuntimeError as why:
                faults.append(why)

        lanes.add_future(overtaken())
        await asyncio.sleep(0)

    told(world, story)
    assert faults == []


def test_a_worker_that_ends_opens_nothing(tmp_path: Path) -> None:
    """Neither at once nor after waiting for a database; the loop does not spin meanwhile."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        with world.database_away():
            opening = asyncio.create_task(lanes.open([TP0]))
            await asyncio.sleep(0.05)
            await lanes.stop()
            with pytest.raises(Stopping):
                await asyncio.wait_for(opening, 20)
        with pytest.raises(Stopping):
            await lanes.open([TP0])
        await lanes._reopen(TP0)
        assert lanes.open_partitions() == 0

    told(world, story)


def test_a_failed_commit_is_tried_again_until_it_works(tmp_path: Path) -> None:
    """Nothing is lost and nothing doubled meanwhile."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        with world.database_away():
            await lanes.process(TP0, batch(0, *good("a")))
            await until(lambda: world.metric("commits_failed_total") >= 2)
            await lanes.process(TP0, batch(1, *good("b")))
        await until(lambda: world.stored() == {0: (2, 2)})

    told(world, story)


def test_a_partition_that_fails_alone_starves_no_other(tmp_path: Path) -> None:
    """Whatever is wrong with its rows, the others are committed."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0, TP1])

        def refuse(*_: object) -> None:
            raise OperationalError("insert", None, Exception("these rows are refused"))

        lanes._lanes[TP0].store.write = refuse  # type: ignore[method-assign, assignment]
        await lanes.process(TP0, batch(0, *good("a")))
        await until(lambda: world.metric("commits_failed_total") >= 1)
        await lanes.process(TP1, batch(0, *good("a"), partition=1))
        await until(lambda: world.stored()[1] == (1, 1))

    told(world, story)


def test_a_database_that_is_away_bounds_what_is_held(tmp_path: Path) -> None:
    """Reading waits when too much is uncommitted, and goes on when the database is back."""
    world = World(tmp_path, max_uncommitted=1000)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        with world.database_away():
            await lanes.process(TP0, batch(0, *good(*range(900))))
            waiting = asyncio.create_task(lanes.process(TP0, batch(900, *good(*range(900, 1100)))))
            await until(lambda: world.metric("commits_failed_total") >= 3)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 20)
        await until(lambda: world.stored() == {0: (1100, 1100)})

    told(world, story)


def test_large_dead_letters_bound_what_is_held_too(tmp_path: Path) -> None:
    """By their bytes: few of them fill the memory as many events do."""
    world = World(tmp_path, max_uncommitted=1000)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        with world.database_away("cells"):
            world.refuse_letters = KafkaError("away")
            waiting = asyncio.create_task(lanes.process(TP0, batch(0, b"x" * 500_000)))
            await until(lambda: world.metric("commits_failed_total") >= 3)
            assert not waiting.done()
            world.refuse_letters = None
        await asyncio.wait_for(waiting, 20)
        await until(lambda: world.stored() == {0: (1, 0)})

    told(world, story)


def test_waiting_ends_when_the_worker_stops(tmp_path: Path) -> None:
    """A stop is not held up by what cannot be committed."""
    world = World(tmp_path, max_uncommitted=1000)

    async def whole() -> None:
        async with running(world) as lanes:
            await lanes.open([TP0])
            away = world.database_away()
            away.__enter__()
            waiting = asyncio.create_task(lanes.process(TP0, batch(0, *good(*range(1100)))))
            await until(lambda: world.metric("commits_failed_total") >= 1)
        await asyncio.wait_for(waiting, 20)
        away.__exit__(None, None, None)

    asyncio.run(whole())


def test_a_fenced_partition_is_let_go_and_opened_anew_if_it_is_still_ours(tmp_path: Path) -> None:
    """The database says where to go on; nothing is counted twice."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        other = await world.lane()
        other.process(batch(0, *good("a", "b")))
        await other.commit()
        await lanes.process(TP0, batch(0, *good("a")))
        await until(lambda: world.metric("partitions_fenced_total") == 1)
        world.reader.end = {TP0: 2}
        await until(lambda: {TP0: 2} in world.reader.sought)
        await lanes.process(TP0, batch(2, *good("c")))
        await until(lambda: world.stored() == {0: (3, 3)})

    told(world, story)


def test_a_fenced_partition_that_is_another_s_stays_let_go(tmp_path: Path) -> None:
    """Its lag is the other worker's to show."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 5}
        await lanes.open([TP0])
        await until(lambda: world.metric("consumer_lag_records", topic="exchanges", partition="0") == 5)
        other = await world.lane()
        other.process(batch(0, *good("a", "b")))
        await other.commit()
        world.reader.assigned = set()
        await lanes.process(TP0, batch(0, *good("a")))
        await until(lambda: world.metric("partitions_fenced_total") == 1)
        await asyncio.sleep(module.RETRY_LAST_S * 2)
        assert lanes.committed_offsets() == {}
        assert world.reader.sought == []
        assert world.metric("consumer_lag_records", topic="exchanges", partition="0") == 0

    told(world, story)


def test_a_gap_that_the_broker_still_has_is_read_again(tmp_path: Path) -> None:
    """A batch from before a seek is left, and reading goes back."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 100}
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        await lanes.process(TP0, batch(50, *good("z")))
        assert world.reader.sought == [{TP0: 1}]
        await until(lambda: world.stored() == {0: (1, 1)})
        assert world.metric("records_lost_total", topic="exchanges") == 0

    told(world, story)


def test_records_that_the_broker_deleted_are_counted_as_lost(tmp_path: Path) -> None:
    """While reading and while the worker was away; reading goes on behind them."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 100}
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        world.reader.first = {TP0: 50}
        await lanes.process(TP0, batch(50, *good("z")))
        assert world.metric("records_lost_total", topic="exchanges") == 49
        await lanes.close([TP0])
        assert world.stored() == {0: (51, 2)}
        world.reader.first = {TP0: 60}
        assert await lanes.open([TP0]) == {TP0: 60}
        assert world.metric("records_lost_total", topic="exchanges") == 58

    told(world, story)


def test_a_partition_whose_records_are_all_deleted_is_no_lag_and_no_loss(tmp_path: Path) -> None:
    """A new database beside an old topic: it begins where the topic begins, and nothing waits."""
    world = World(tmp_path, stall_timeout=0.05)

    async def story(lanes: Lanes) -> None:
        world.reader.first = world.reader.end = {TP0: 1000}
        assert await lanes.open([TP0]) == {TP0: 1000}
        assert lanes.lag() == {TP0: 0}
        await asyncio.sleep(0.3)
        assert world.failures == []
        assert world.metric("records_lost_total", topic="exchanges") == 0
        await lanes.process(TP0, batch(1000, *good("a")))
        await until(lambda: world.stored() == {0: (1001, 1)})

    told(world, story)


def test_a_topic_that_was_created_anew_is_noticed(tmp_path: Path) -> None:
    """At opening and while reading: its offsets are not those that were counted."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 5}
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a", "b", "c")))
        world.reader.end = {TP0: 1}
        await lanes.process(TP0, batch(0, *good("new")))
        assert [type(why) for why in world.failures] == [TopicReplaced]
        assert "Use the database that belongs to this topic" in str(world.failures[0])
        await lanes.close([TP0])
        with pytest.raises(TopicReplaced, match="created anew"):
            await lanes.open([TP0])

    told(world, story)


def test_a_topic_that_was_created_anew_is_noticed_when_a_partition_is_opened_again(tmp_path: Path) -> None:
    """As when rules change: the worker ends with the reason, and nothing more is read."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 5}
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a", "b", "c")))
        world.reader.end = {TP0: 1}
        await lanes.reopen()
        assert [type(why) for why in world.failures] == [TopicReplaced]
        assert "ends at offset 1, but the database has read it up to 3" in str(world.failures[0])
        assert "Use the database that belongs to this topic" in str(world.failures[0])
        assert lanes.open_partitions() == 0

    told(world, story)


def test_opening_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    """And goes on when it is back."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        with world.database_away():
            opening = asyncio.create_task(lanes.open([TP0]))
            await asyncio.sleep(0.1)
            assert not opening.done()
        assert await asyncio.wait_for(opening, 20) == {TP0: 0}

    told(world, story)


def test_whoever_waits_for_a_broker_takes_no_partition_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker may have it by then: that one counts on undisturbed."""
    world, other = World(tmp_path), World(tmp_path)

    async def cut_off(_partitions: object) -> Any:
        raise KafkaError("no answer")

    monkeypatch.setattr(world.reader, "bounds", cut_off)

    async def story(lanes: Lanes) -> None:
        opening = asyncio.create_task(lanes.open([TP0]))
        await asyncio.sleep(0.1)
        async with running(other) as others:
            await others.open([TP0])
            await asyncio.sleep(0.2)
            await others.process(TP0, batch(0, *good("a")))
            await until(lambda: other.stored() == {0: (1, 1)})
            assert other.metric("partitions_fenced_total") == 0
        assert not opening.done()
        opening.cancel()

    told(world, story)


def test_a_fault_in_counting_opens_the_partition_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger was half-way; the database was not."""
    world = World(tmp_path, commit_interval=60)

    async def story(lanes: Lanes) -> None:
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        await lanes._commit_round(0)
        world.reader.end = {TP0: 9}
        with monkeypatch.context() as fault:
            fault.setattr("streams.lane._dead_letters", None)
            await lanes.process(TP0, batch(1, *good("b"), b"nonsense"))
        assert world.reader.sought == [{TP0: 1}]
        await lanes.process(TP0, batch(1, *good("b", "c")))
        await lanes._commit_round(0)
        assert world.stored() == {0: (3, 3)}

    told(world, story)


def test_work_that_waits_without_progress_ends_the_worker(tmp_path: Path) -> None:
    """Lag that does not shrink, also when a commit never returns."""
    world = World(tmp_path, stall_timeout=0.2)
    released = threading.Event()

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 1}
        await lanes.open([TP0])
        lanes._lanes[TP0].store.write = lambda *_: released.wait(20)  # type: ignore[method-assign]
        await lanes.process(TP0, batch(0, *good("a")))
        await until(lambda: bool(world.failures))
        assert isinstance(world.failures[0], Stalled)
        released.set()

    told(world, story)


def test_without_work_nothing_stalls(tmp_path: Path) -> None:
    """A quiet night is no fault."""
    world = World(tmp_path, stall_timeout=0.05)

    async def story(lanes: Lanes) -> None:
        world.reader.end = {TP0: 1}
        await lanes.open([TP0])
        await lanes.process(TP0, batch(0, *good("a")))
        await until(lambda: world.stored() == {0: (1, 1)})
        await asyncio.sleep(0.3)
        assert world.failures == []

    told(world, story)


def test_a_consumer_whose_tasks_ended_ends_the_worker(tmp_path: Path) -> None:
    """Nothing would ever be read again."""
    world = World(tmp_path)

    async def story(lanes: Lanes) -> None:
        del lanes
        world.reader.failed = RuntimeError("the fetcher ended")
        await until(lambda: world.reader.failed in world.failures)

    told(world, story)


def test_names_of_partitions_are_those_of_faust() -> None:
    """The lanes' keys are what the consumer assigns."""
    assert TP("exchanges", 0) == TP0
