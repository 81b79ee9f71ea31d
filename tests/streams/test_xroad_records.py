"""A lane of X-Road records: bodies in, letters for what cannot be read, exchanges and metrics out."""

from __future__ import annotations

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.own import OwnMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.xroad.ledger import PairingLimits
from monitor.xroad.metrics import XroadMetrics
from monitor.xroad.opening import XroadParts
from streams.dead_letters import DeadLetter
from streams.lane import Lane
from streams.topics import NAMES
from streams.transport.batch import RecordBatch
from streams.xroad_records import Shown, XroadRecords
from tests.builders import ZONE, limits
from tests.monitor.xroad.parts import REGISTRY, counted, halves, memory
from tests.streams.lane_parts import batch

TOPIC = "xroad-records"
PAIR = {"provider": "MPS", "consumer": "MOH", "service": "population.verify-identity"}


def came(first: int, *bodies: bytes) -> RecordBatch:
    """Records of the topic."""
    given = batch(first, *bodies)
    given.topic = TOPIC
    return given


def test_a_lane_joins_counts_and_lets_halves_lapse(tmp_path: Path) -> None:
    """A restart between two halves loses nothing; one that stays alone counts once it has waited."""
    engine = memory(tmp_path / "monitor.db")
    exposed, exchanges, security, xroad = (
        CollectorRegistry(),
        LedgerMetrics(),
        SecurityMetrics(),
        XroadMetrics(),
    )
    for collector in (exchanges, security, xroad):
        exposed.register(collector)
    own = OwnMetrics.create(exposed)
    wait = PairingLimits(timedelta(seconds=0))
    parts = XroadParts.of(
        engine, REGISTRY, ZONE, limits(), PairingLimits(timedelta(minutes=1)), Pseudonyms(None)
    )
    patient = XroadRecords(parts, Shown(exchanges, security, xroad))
    hasty = XroadRecords(parts._replace(pairing=wait), Shown(exchanges, security, xroad))
    now = datetime.now(UTC).replace(microsecond=0)
    first, second = halves(1, at=now), halves(2, at=now, succeeded=False, faultCode="Client.access_denied")
    stranger = dict(halves(5, at=now)[1], serviceMemberCode="G99")
    letters: list[DeadLetter] = []

    async def publish(given: list[DeadLetter]) -> None:
        letters.extend(given)

    async def story() -> None:
        with ThreadPoolExecutor(1) as executor:
            lane = await Lane.open(patient, TOPIC, 0, executor=executor, publish=publish, own=own)
            broken = json.dumps({"records": [first[0], {"securityServerType": "Client"}, second[0]]}).encode()
            lane.process(came(0, broken, b"nonsense"))
            assert await lane.commit()
            assert exposed.get_sample_value("datashare_xroad_waiting_halves", {"partition": "0"}) == 2
            lane = await Lane.open(patient, TOPIC, 0, executor=executor, publish=publish, own=own)
            together = gzip.compress(
                json.dumps({"records": [first[1], second[1], stranger, first[1]]}).encode()
            )
            lane.process(came(2, together))
            assert await lane.commit()
            assert not await lane.commit()
            lane = await Lane.open(hasty, TOPIC, 0, executor=executor, publish=publish, own=own)
            assert not await lane.commit()
            lane.tick()
            assert await lane.commit()
            assert exposed.get_sample_value("datashare_xroad_waiting_halves", {"partition": "0"}) == 0

    asyncio.run(story())
    whats = counted(engine)
    engine.dispose()
    assert [(letter.offset, letter.reason) for letter in letters] == [(0, "missing_field"), (1, "not_json")]
    assert letters[0].detail == "1 of 3 records: record 1: neither requestInTs nor monitoringDataTs"
    assert whats == {"joined": 2, "cause_denied": 1, "orphan_producer": 1, "duplicate_producer": 1}

    def value(name: str, **labels: str) -> float | None:
        return exposed.get_sample_value(f"datashare_{name}", labels)

    assert value("exchanges_total", **PAIR) == 2
    assert value("exchange_failures_total", **PAIR, outcome="denied") == 1
    assert value("security_events_total", agency="MOH", kind="access_denied", severity="low") == 1
    assert value("xroad_failures_total", **PAIR, cause="denied") == 1
    assert value("xroad_halves_total", side="client", agency="MOH") == 2
    assert value("xroad_halves_total", side="producer", agency="unregistered") == 1
    assert value("xroad_orphans_total", side="client", agency="MOH", outcome="ok") == 1
    assert value("xroad_joined_total", how="request_id") == 2
    assert value("xroad_joined_total", how="late") == 0
    assert value("xroad_duplicates_total", side="producer") == 1
    servers = {"client_server": "ss1.moh.example", "service_server": "ss1.mps.example"}
    assert value("xroad_clock_skew_seconds", **servers) is None  # two calls are too few to tell
    assert value("xroad_waiting_halves", partition="0") is None  # let go with its lane
    assert value("dead_letters_total", topic=TOPIC, reason="not_json") == 1


def test_the_topic_is_planned() -> None:
    """`monitor topics create` makes it."""
    assert TOPIC in NAMES
