"""A lane of dossiers: letters, one transaction, metrics, and the index that follows from it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy.engine import make_url

from monitor.dossiers.metrics import QualityMetrics
from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.dossiers import DossierMetrics
from monitor.metrics.own import OwnMetrics
from monitor.storage import tables
from monitor.storage.engine import open_engine
from streams.dead_letters import DeadLetter
from streams.dossiers import Dossiers
from streams.lane import Lane
from streams.topics import NAMES
from streams.transport.batch import RecordBatch
from tests.builders import limits
from tests.monitor.dossiers.parts import OURS, REGISTRY, TERMS, dossier_json
from tests.streams.lane_parts import batch

TOPIC = "dossiers"


def came(first: int, *bodies: bytes) -> RecordBatch:
    """Records of the topic."""
    given = batch(first, *bodies)
    given.topic = TOPIC
    return given


def test_a_lane_counts_dossiers_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """What cannot be read becomes a letter; the index moves with what was committed."""
    engine = open_engine(make_url(f"sqlite:///{tmp_path / 'monitor.db'}"))
    tables.metadata.create_all(engine, tables=OURS)
    counted, exposed = DossierMetrics(), CollectorRegistry()
    quality = QualityMetrics(REGISTRY, TERMS, engine)
    for collector in (counted, quality):
        exposed.register(collector)
    own = OwnMetrics.create(exposed)
    processor = Dossiers(engine, REGISTRY, limits(), Pseudonyms(None), TERMS, counted)
    letters: list[DeadLetter] = []
    now = datetime.now(UTC)
    promised = str((now + timedelta(days=9)).date())

    async def publish(given: list[DeadLetter]) -> None:
        letters.extend(given)

    async def story() -> None:
        with ThreadPoolExecutor(1) as executor:
            for first, bodies in (
                (0, [dossier_json(id="1", time=now, agency="GOV-M5", promised=promised), b"nonsense"]),
                (2, [dossier_json(id="1", time=now), dossier_json(id="2", time=now, step="completed")]),
            ):
                lane = await Lane.open(processor, TOPIC, 0, executor=executor, publish=publish, own=own)
                lane.process(came(first, *bodies))
                assert await lane.commit()
                assert not await lane.commit()
                assert lane.next_offset == first + 2

    def value(name: str, **labels: str) -> float | None:
        return exposed.get_sample_value(f"datashare_{name}", labels)

    asyncio.run(story())
    assert value("service_quality_points", agency="MOH") is None  # nothing before the first reading
    quality.refresh(now)
    engine.dispose()
    assert [(one.topic, one.offset, one.reason) for one in letters] == [(TOPIC, 1, "not_json")]
    assert value("dossier_steps_total", agency="MOH", step="received") == 1
    assert value("dossier_steps_total", agency="MOH", step="completed") == 1
    assert value("dossier_duplicates_total") == 1
    assert value("dead_letters_total", topic=TOPIC, reason="not_json") == 1
    on_time = {"agency": "MOH", "indicator": "on_time"}
    assert value("service_quality_numerator", **on_time) == 1
    assert value("service_quality_denominator", **on_time) == 1
    assert value("service_quality_item_points", **on_time) == 20
    assert value("service_quality_coverage_ratio", **on_time) == 1
    assert value("service_quality_target_ratio", **on_time) == 0.8
    paid = {"agency": "MOH", "indicator": "paid_online"}
    assert value("service_quality_numerator", **paid) is None  # not scored, which is not zero
    assert value("service_quality_points", agency="MOH") == 20
    assert value("service_quality_scored_points", agency="MOH") == 20 + 12 + 8 + 8 + 6
    assert value("service_quality_most_points") == 100
    assert value("service_quality_handled_dossiers", agency="MOH") == 1
    assert value("service_quality_points", agency="MPS") is None


def test_the_topic_is_one_of_the_contract() -> None:
    """The worker reads it under its full name."""
    assert TOPIC in NAMES
