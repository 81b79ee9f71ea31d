"""How long after its event an alert is in Alertmanager, while exchanges come at a steady rate."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError

from aiokafka import AIOKafkaProducer

from monitor.settings import Settings
from streams.bulk import partition_of
from tests.bench.latency import PARTITIONS, RATE, plan_exchanges, send_exchanges
from tests.e2e.exactness import Stage, WorkerProcess, create_topics, stage_settings
from tests.parts.alertmanager import Alertmanager

SECONDS = 30
FIRST_S, EVERY_S = 8.0, 2.0  # after the start, and between two injections
POLL_S = 0.02
BAR_S = 2.0
CONFIGURATION = "route: {receiver: none}\nreceivers: [{name: none}]\n"

Event = dict[str, Any]


class Injection(NamedTuple):
    """Events that are sent together; the last of them completes the rule of that title."""

    name: str
    title: str
    agency: str
    events: Callable[[datetime], Sequence[Event]]


def _leak(agency: str) -> Callable[[datetime], Sequence[Event]]:
    return lambda now: [{"id": f"leak-{agency}", "time": now.isoformat(), "agency": agency,
                         "kind": "leak_confirmed", "severity": 5}]  # fmt: skip


def _stuffing(agency: str) -> Callable[[datetime], Sequence[Event]]:
    return lambda now: [
        {"id": f"try-{agency}-{number}", "time": now.isoformat(), "agency": agency, "kind": "sign_in_failed",
         "severity": 2, "actor": f"a{number:015x}", "source_ip": "203.0.113.7"}
        for number in range(40)
    ]  # fmt: skip


def _bulk(agency: str) -> Callable[[datetime], Sequence[Event]]:
    return lambda now: [{"id": f"bulk-{agency}", "time": now.isoformat(), "agency": agency,
                         "kind": "bulk_export", "severity": 4, "count": 200_000, "actor": "a00000000000beef",
                         "service": "population.lookup-citizen"}]  # fmt: skip


def _injections() -> Iterator[Injection]:
    """In turn: a confirmed leak, a burst of stuffing, a bulk extraction; each of another agency."""
    for leak, stuffing, bulk in (("MOH", "MPS", "MOJ"), ("MOF", "MOET", "MOC"), ("HANOI", "HCMC", "DANANG")):
        yield Injection("leak", "Confirmed leak", leak, _leak(leak))
        yield Injection("stuffing burst", "Credential stuffing", stuffing, _stuffing(stuffing))
        yield Injection("bulk extraction", "Large export", bulk, _bulk(bulk))


def measure_alert_latency(folder: Path, bootstrap: str) -> str:
    """Send RATE exchanges a second and incidents in between to a worker with all rules; return sentences."""
    configuration = folder / "alertmanager.yml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    with Alertmanager(configuration, folder / "alertmanager") as alertmanager:
        settings = stage_settings(
            bootstrap, f"sqlite:///{folder}/alert-latency.db", "alert-latency-", "alert-latency"
        ).model_copy(
            update={
                "commit_interval": Settings.model_fields["commit_interval"].default,
                "alertmanager_urls": (alertmanager.url,),
            }
        )
        create_topics(settings, PARTITIONS)
        stage = Stage(settings, folder, account=None, partitions=PARTITIONS, records=0)  # type: ignore[arg-type]
        worker = WorkerProcess(stage, "alert-latency-worker", keeps_name=False)
        worker.start()
        try:
            while not stage.opened():
                worker.check_alive()
                time.sleep(0.05)
            measured = asyncio.run(_play(settings, alertmanager))
        finally:
            worker.kill()
    lines = [f"  {name}: {seconds:.2f} s" for name, seconds in measured]
    worst = max(seconds for _, seconds in measured)
    return (
        f"alerts at {RATE:,} exchanges/s with every shipped rule on, from sending an event to its alert in "
        f"Alertmanager: all {len(measured)} within {worst:.2f} s (bar: {BAR_S:.0f} s)\n" + "\n".join(lines)
    )


async def _play(settings: Settings, alertmanager: Alertmanager) -> list[tuple[str, float]]:
    planned = plan_exchanges(settings, SECONDS)
    background = asyncio.create_task(send_exchanges(settings, planned))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, linger_ms=0)
    await producer.start()
    measured = []
    try:
        await asyncio.sleep(max(planned.begins - time.time(), 0) + FIRST_S)
        for injection in _injections():
            topic, key = settings.topic("security-events"), injection.agency.encode()
            partitions = len(await producer.partitions_for(topic))
            for event in injection.events(datetime.now(UTC)):
                body = json.dumps(event).encode()
                await producer.send(topic, body, key=key, partition=partition_of(key, partitions))
            await producer.flush()
            began = time.time()
            measured.append((injection.name, await _seen(alertmanager, injection) - began))
            await asyncio.sleep(EVERY_S)
    finally:
        await producer.stop()
        await background
    return measured


async def _seen(alertmanager: Alertmanager, injection: Injection) -> float:
    """When Alertmanager first showed the alert."""
    deadline = time.time() + 60
    while time.time() < deadline:
        try:
            held = await asyncio.to_thread(alertmanager.alerts)
        except (URLError, OSError):
            held = {}
        for alert in held.values():
            if alert["labels"]["agency"] == injection.agency and injection.title in json.dumps(alert):
                return time.time()
        await asyncio.sleep(POLL_S)
    raise RuntimeError(f"no alert of {injection.name} at {injection.agency} came")
