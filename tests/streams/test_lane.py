"""A lane: letters first, then one transaction, then the metrics; and what failed is tried again as it was."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiokafka.errors import KafkaError
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from monitor.storage.progress import FROM_THE_BEGINNING, Fenced
from streams.lane import EVENT_BYTES
from tests.builders import PAIR
from tests.streams.lane_parts import World, batch, good

LABELS = dict(zip(("provider", "consumer", "service"), PAIR, strict=True))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A database of this test's own."""
    return World(tmp_path)


def test_letters_are_published_before_the_transaction_and_metrics_move_after(world: World) -> None:
    """A letter may be sent twice, never lost; a figure is shown only when it is safe."""

    def note(*_: object) -> None:
        world.history.append(f"commit, counted {world.metric('exchanges_total', **LABELS):.0f}")

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, *good("a"), b"nonsense", *good("b"), None))
        assert world.published == []
        event.listen(world.engine, "commit", note)
        assert await lane.commit()
        assert world.history == ["letters", "commit, counted 0"]
        assert world.metric("exchanges_total", **LABELS) == 2
        assert world.stored() == {0: (4, 2)}
        assert not await lane.commit()

    asyncio.run(story())


def test_a_dead_letter_holds_the_record_and_where_it_stood(world: World) -> None:
    """Original bytes, key, place and reason."""

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(7, *good("a"), b"nonsense", None))
        await lane.commit()

    asyncio.run(story())
    letters = [
        (one.topic, one.partition, one.offset, one.reason, one.key, one.value) for one in world.published
    ]
    assert letters == [
        ("exchanges", 0, 8, "not_json", b"MOH", b"nonsense"),
        ("exchanges", 0, 9, "empty", b"MOH", None),
    ]
    assert world.metric("dead_letters_total", topic="exchanges", reason="not_json") == 1


def test_a_transaction_that_failed_is_tried_again_with_the_same_changes(world: World) -> None:
    """What is counted meanwhile waits for the next one; letters are not sent twice for it."""

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, *good("a", "b"), b"nonsense"))
        with world.database_away():
            for _ in range(2):
                with pytest.raises(DBAPIError):
                    await lane.commit()
            lane.process(batch(3, *good("c"), b"more nonsense"))
            assert lane.uncommitted >= 5
        assert len(world.published) == 1
        assert await lane.commit()
        assert world.stored() == {0: (3, 2)}
        assert await lane.commit()
        assert world.stored() == {0: (5, 3)}
        assert [one.offset for one in world.published] == [2, 4]
        assert lane.uncommitted == 0

    asyncio.run(story())


def test_without_the_broker_nothing_is_committed(world: World) -> None:
    """Letters that are not safe hold the offset back."""

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, *good("a"), b"nonsense"))
        world.refuse_letters = KafkaError("away")
        with pytest.raises(KafkaError):
            await lane.commit()
        assert world.stored() == {0: (FROM_THE_BEGINNING, 0)}
        world.refuse_letters = None
        assert await lane.commit()
        assert world.stored() == {0: (2, 1)}
        assert len(world.published) == 1

    asyncio.run(story())


def test_a_lane_whose_partition_was_taken_over_writes_nothing(world: World) -> None:
    """It is fenced, also at a second try, and its counts never reach the metrics."""

    async def story() -> None:
        old, new = await world.lane(), await world.lane()
        old.process(batch(0, *good("a")))
        new.process(batch(0, *good("a", "b")))
        assert await new.commit()
        for _ in range(2):
            with pytest.raises(Fenced):
                await old.commit()
        assert world.stored() == {0: (2, 2)}
        assert world.metric("exchanges_total", **LABELS) == 2

    asyncio.run(story())


def test_a_lane_goes_on_where_the_database_is(world: World) -> None:
    """What was counted is passed over when it is read again, duplicates and letters included."""

    async def story() -> None:
        first = await world.lane()
        first.process(batch(0, *good("a"), b"nonsense", *good("b")))
        await first.commit()
        second = await world.lane()
        assert second.next_offset == 3
        assert second.follows(batch(2, *good("x")))
        assert second.follows(batch(3, *good("x")))
        assert not second.follows(batch(4, *good("x")))
        second.process(batch(0, *good("a"), b"nonsense", *good("b", "c")))
        await second.commit()
        assert world.stored() == {0: (4, 3)}
        assert len(world.published) == 1
        assert world.metric("duplicates_total") == 0

    asyncio.run(story())


def test_offsets_that_hold_nothing_are_committed_too(world: World) -> None:
    """A fetch of transaction markers alone moves the offset."""

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, *good("a")))
        lane.process(batch(1, next_offset=5))
        await lane.commit()
        assert world.stored() == {0: (5, 1)}
        lane.skip_to(9)
        assert await lane.commit()
        assert world.stored() == {0: (9, 1)}
        assert not await lane.commit()

    asyncio.run(story())


def test_waiting_letters_weigh_by_their_bytes(world: World) -> None:
    """A thousand bad bodies of a megabyte are not a thousand events."""

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, b"x" * 1000 * EVENT_BYTES, *good("a")))
        assert lane.uncommitted >= 1002
        await lane.commit()
        assert lane.uncommitted == 0

    asyncio.run(story())


def test_what_could_not_be_handed_over_moves_no_offset(world: World) -> None:
    """A defect in what rules remember ends the worker; the events are read again, and not lost."""
    watch = Mock(pending=True, take=Mock(side_effect=OverflowError("too large")))

    async def story() -> None:
        lane = await world.lane()
        lane.process(batch(0, *good("a", "b")))
        lane._opened = replace(lane._opened, watch=watch)
        with pytest.raises(OverflowError):
            await lane.commit()
        assert not await lane.commit()
        assert world.stored() == {0: (FROM_THE_BEGINNING, 0)}
        again = await world.lane()
        again.process(batch(0, *good("a", "b")))
        assert await again.commit()
        assert world.stored() == {0: (2, 2)}

    asyncio.run(story())
