"""How long after its sending an event is committed, and visible in /metrics, at a steady rate."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer

from monitor.registry.load import load_registry
from monitor.settings import Settings
from monitor.simulation import Shares, Simulation
from streams.bulk import partition_of
from tests.e2e.exactness import Stage, WorkerProcess, create_topics, stage_settings

RATE = 5_000
SECONDS = 30
WARM_UP_S = 5
TICK_S = 0.01
SCRAPE_S = 0.1  # between scrapes, which Prometheus makes every 15 to 60 s
PARTITIONS = 8
_OFFSET = re.compile(
    r'^datashare_committed_offset\{(?=[^}]*topic="[^"]*exchanges")[^}]*partition="(\d+)"[^}]*\} (\S+)$',
    re.MULTILINE,
)


def measure_latency(folder: Path, bootstrap: str) -> str:
    """Send RATE events a second for SECONDS while scraping /metrics; return a sentence.

    An event counts as visible when a scrape whose answer has fully arrived reports its offset as committed,
    so the scrape's own duration is part of the figure.
    """
    settings = stage_settings(bootstrap, f"sqlite:///{folder}/latency.db", "latency-", "latency")
    settings = settings.model_copy(
        update={"commit_interval": Settings.model_fields["commit_interval"].default}
    )
    create_topics(settings, PARTITIONS)
    stage = Stage(settings, folder, account=None, partitions=PARTITIONS, records=0)  # type: ignore[arg-type]
    worker = WorkerProcess(stage, "latency-worker", keeps_name=False)
    worker.start()
    try:
        while not stage.opened():
            worker.check_alive()
            time.sleep(0.05)
        sent, seen = asyncio.run(_send_and_watch(stage, worker.web_address()))
    finally:
        worker.kill()
    latencies = sorted(_latencies(sent, seen))
    if not latencies:
        raise RuntimeError("no event became visible")

    def share(q: float) -> float:
        return latencies[min(int(q * len(latencies)), len(latencies) - 1)]

    return (
        f"latency at {RATE:,} events/s over {SECONDS} s: of {len(latencies):,} events, half were committed "
        f"and in /metrics {share(0.5):.2f} s after they were sent, 99 % {share(0.99):.2f} s, "
        f"all {latencies[-1]:.2f} s ({len(seen)} scrapes; bar: 99 % within 1 s)"
    )


Sent = list[tuple[int, int, float]]  # partition, position within it, time of sending
Seen = list[tuple[float, dict[int, float]]]  # when a scrape was complete, and the committed offsets in it


async def _send_and_watch(stage: Stage, web: str) -> tuple[Sent, Seen]:
    done = asyncio.Event()
    watching = asyncio.create_task(_watch(web, done))
    sent = await send_exchanges(stage.settings, WARM_UP_S + SECONDS)
    await asyncio.sleep(3)
    done.set()
    return sent, await watching


async def _watch(web: str, done: asyncio.Event) -> Seen:
    seen: Seen = []
    while not done.is_set():
        text = await asyncio.to_thread(_scrape, web)
        seen.append((time.time(), {int(number): float(offset) for number, offset in _OFFSET.findall(text)}))
        await asyncio.sleep(SCRAPE_S)
    return seen


def _scrape(web: str) -> str:
    with urllib.request.urlopen(f"{web}/metrics", timeout=10) as response:  # noqa: S310  # our own loopback server
        body: bytes = response.read()
    return body.decode()


async def send_exchanges(settings: Settings, seconds: float) -> Sent:
    """Send RATE exchanges a second for so long; return those sent after WARM_UP_S."""
    simulation = Simulation(
        load_registry(settings.registry),
        11,
        settings.zone,
        replace(Shares(), malformed=0.0),
        live=True,
        jitter=0.0,
    )
    topic = settings.topic("exchanges")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, linger_ms=5, enable_idempotence=True
    )
    await producer.start()
    sent: Sent = []
    positions = dict.fromkeys(range(PARTITIONS), 0)
    try:
        began = time.time()
        count = 0
        while (now := time.time()) < began + seconds:
            due = int((now - began) * RATE)
            for event in simulation.events([now] * (due - count)):
                partition = partition_of(event.key, PARTITIONS)
                at = time.time()
                await producer.send(
                    topic, event.value, key=event.key, partition=partition, headers=event.headers
                )
                if now > began + WARM_UP_S:
                    sent.append((partition, positions[partition], at))
                positions[partition] += 1
            count = due
            await asyncio.sleep(TICK_S)
        await producer.flush()
    finally:
        await producer.stop()
    return sent


def _latencies(sent: Sent, seen: Seen) -> list[float]:
    latencies = []
    cursor = dict.fromkeys(range(PARTITIONS), 0)
    for partition, position, at in sent:
        index = cursor[partition]
        while index < len(seen) and seen[index][1].get(partition, 0) <= position:
            index += 1
        cursor[partition] = index
        if index == len(seen):
            sent_at = datetime.fromtimestamp(at, UTC)
            raise RuntimeError(f"event {position} of partition {partition}, sent {sent_at}, never came")
        latencies.append(seen[index][0] - at)
    return latencies
