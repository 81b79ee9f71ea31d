"""A lane of lifecycle events: letters, one transaction, metrics, and the duties that follow from it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import select
from sqlalchemy.engine import make_url

from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.metrics.own import OwnMetrics
from monitor.storage import tables
from monitor.storage.engine import open_engine
from streams.dead_letters import DeadLetter
from streams.lane import Lane
from streams.lifecycle_events import LifecycleEvents
from streams.topics import NAMES
from streams.transport.batch import RecordBatch
from tests.builders import limits
from tests.monitor.lifecycle.parts import REGISTRY, lifecycle_json
from tests.streams.lane_parts import batch

TOPIC = "lifecycle-events"


def came(first: int, *bodies: bytes) -> RecordBatch:
    """Records of the topic."""
    given = batch(first, *bodies)
    given.topic = TOPIC
    return given


def test_a_lane_stores_counts_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """What cannot be read becomes a letter; what comes again after a restart is a duplicate."""
    engine = open_engine(make_url(f"sqlite:///{tmp_path / 'monitor.db'}"))
    ours = [tables.offsets, tables.seen_ids, tables.rejected, tables.gaps, tables.lifecycle_events]
    tables.metadata.create_all(engine, tables=ours)
    counted, exposed = LifecycleMetrics(), CollectorRegistry()
    exposed.register(counted)
    own = OwnMetrics.create(exposed)
    processor = LifecycleEvents(engine, REGISTRY, limits(), Pseudonyms(None), counted)
    letters: list[DeadLetter] = []
    now = datetime.now(UTC)

    async def publish(given: list[DeadLetter]) -> None:
        letters.extend(given)

    async def story() -> None:
        with ThreadPoolExecutor(1) as executor:
            for first, bodies in (
                (0, [lifecycle_json(id="1", time=now, agency="GOV-M5"), b"nonsense"]),
                (2, [lifecycle_json(id="1", time=now), lifecycle_json(id="2", time=now, kind="went_live")]),
            ):
                lane = await Lane.open(processor, TOPIC, 0, executor=executor, publish=publish, own=own)
                lane.process(came(first, *bodies))
                assert await lane.commit()
                assert not await lane.commit()
                assert lane.next_offset == first + 2

    asyncio.run(story())
    with engine.connect() as connection:
        stored = connection.execute(
            select(tables.lifecycle_events.c.source_offset, tables.lifecycle_events.c.agency)
        )
        assert {row[0]: row[1] for row in stored} == {0: "MOH", 3: "MOH"}
    engine.dispose()
    assert [(one.topic, one.offset, one.reason) for one in letters] == [(TOPIC, 1, "not_json")]

    def value(name: str, **labels: str) -> float | None:
        return exposed.get_sample_value(f"datashare_{name}", labels)

    assert value("lifecycle_events_total", agency="MOH", kind="cleared") == 1
    assert value("lifecycle_events_total", agency="MOH", kind="went_live") == 1
    assert value("lifecycle_duplicates_total") == 1
    assert value("dead_letters_total", topic=TOPIC, reason="not_json") == 1


def test_the_topic_is_planned() -> None:
    """`monitor topics create` makes it."""
    assert TOPIC in NAMES
