"""How long after its sending an event is committed, and visible in /metrics, at a steady rate."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaProducer

from monitor.registry.load import load_registry
from monitor.settings import Settings
from monitor.simulation import Shares, Simulation
from monitor.simulation.sent import Headers
from streams.bulk import partition_of
from tests.e2e.exactness import Stage, WorkerProcess, create_topics, stage_settings

RATE = 5_000
SECONDS = 30
WARM_UP_S = 5
TICK_S = 0.02
BATCH_BYTES = 512 * 1024
WATCH_S = 0.05  # between looks at the one family that says what is committed
SCRAPE_S = 5.0  # between scrapes of everything, which Prometheus makes every 15 to 60 s
PARTITIONS = 8
_OFFSET = re.compile(
    r'^datashare_committed_offset\{(?=[^}]*topic="[^"]*exchanges")[^}]*partition="(\d+)"[^}]*\} (\S+)$',
    re.MULTILINE,
)


def measure_latency(folder: Path, bootstrap: str) -> str:
    """Send RATE events a second for SECONDS while scraping /metrics; return a sentence.

    An event counts as visible when an answer of /metrics that has fully arrived reports its offset as
    committed. Everything is scraped too, oftener than Prometheus would, but not to look at offsets: asked
    for all its series twenty times a second, a worker would do little else.
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
        f"all {latencies[-1]:.2f} s ({len(seen)} looks; bar: 99 % within 1 s)"
    )


Sent = list[tuple[int, int, float]]  # partition, position within it, time of sending
Seen = list[tuple[float, dict[int, float]]]  # when a scrape was complete, and the committed offsets in it


async def _send_and_watch(stage: Stage, web: str) -> tuple[Sent, Seen]:
    planned = plan_exchanges(stage.settings, WARM_UP_S + SECONDS)
    done = threading.Event()
    watching = asyncio.create_task(asyncio.to_thread(_watch, web, done))
    scraping = asyncio.create_task(asyncio.to_thread(_scrape_all, web, done))
    try:
        sent = await send_exchanges(stage.settings, planned)
        await asyncio.sleep(3)
    finally:
        done.set()
    await scraping
    first = planned.begins + WARM_UP_S
    return [each for each in sent if each[2] > first], await watching


def _watch(web: str, done: threading.Event) -> Seen:
    seen: Seen = []
    with _scraper(web) as scrape:
        while not done.wait(WATCH_S):
            text = scrape("/metrics?name[]=datashare_committed_offset")
            offsets = {int(number): float(offset) for number, offset in _OFFSET.findall(text)}
            seen.append((time.time(), offsets))
    return seen


def _scrape_all(web: str, done: threading.Event) -> None:
    with _scraper(web) as scrape:
        while not done.wait(SCRAPE_S):
            scrape("/metrics")


@contextmanager
def _scraper(web: str) -> Iterator[Callable[[str], str]]:
    """Asks over one connection, as Prometheus does."""
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=10)

    def scrape(path: str) -> str:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path}: {response.status}: {body[:200]}")
        return body

    try:
        yield scrape
    finally:
        connection.close()


@dataclass(frozen=True)
class Planned:
    """Exchanges made beforehand, as making them takes a processor that the measured need."""

    begins: float  # epoch seconds at which the first is to be sent
    events: list[tuple[int, bytes, bytes, Headers]]  # partition, key, body and headers; RATE of them a second


def plan_exchanges(settings: Settings, seconds: int) -> Planned:
    """Make exchanges for so many seconds, to be sent RATE a second from `begins`, which is not yet."""
    simulation = Simulation(
        load_registry(settings.registry),
        11,
        settings.zone,
        replace(Shares(), malformed=0.0),
        live=True,
        jitter=0.0,
    )
    begins = time.time() + seconds  # a machine that can send them at RATE can make them at RATE
    events = [
        (partition_of(event.key, PARTITIONS), event.key, event.value, event.headers)
        for event in simulation.events(begins + number / RATE for number in range(seconds * RATE))
    ]
    return Planned(begins, events)


async def send_exchanges(settings: Settings, planned: Planned) -> Sent:
    """Send what was planned, each at its time; return when that was.

    In batches of a tick and partition: sending one by one is more work for this process, which shares the
    processors with the worker that is measured.
    """
    topic = settings.topic("exchanges")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, max_batch_size=BATCH_BYTES, enable_idempotence=True
    )
    await producer.start()
    sent: Sent = []
    positions = dict.fromkeys(range(PARTITIONS), 0)
    under_way: set[asyncio.Future[object]] = set()
    try:
        await asyncio.sleep(max(planned.begins - time.time(), 0))
        while len(sent) < len(planned.events):
            due = int((time.time() - planned.begins) * RATE)
            batches: dict[int, Any] = {}
            at = time.time()
            for partition, key, value, headers in planned.events[len(sent) : due]:
                batch = batches.get(partition)
                if batch is None:
                    batch = batches[partition] = producer.create_batch()
                if batch.append(key=key, value=value, timestamp=int(at * 1000), headers=headers) is None:
                    break  # it is full, after a pause: the rest comes with the next tick
                sent.append((partition, positions[partition], at))
                positions[partition] += 1
            for partition, batch in batches.items():
                under_way.add(await producer.send_batch(batch, topic, partition=partition))
            under_way = {each for each in under_way if not (each.done() and each.result())}
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
