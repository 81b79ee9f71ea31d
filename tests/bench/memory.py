"""How much memory a worker needs with five thousand cells active in the hour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import yaml

from streams.bulk import produce_bulk
from tests.e2e.exactness import Stage, WorkerProcess, create_topics, stage_settings

CELLS = 5_000
EVENTS = 300_000
SERVICES, CONSUMERS = 50, 100
PARTITIONS = 8


class _Sent(msgspec.Struct):
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]] = []


def measure_memory(folder: Path, bootstrap: str) -> str:
    """Count EVENTS over CELLS pairs within one hour; return a sentence with the peak resident memory."""
    registry = folder / "five-thousand"
    _write_registry(registry)
    settings = stage_settings(bootstrap, f"sqlite:///{folder}/memory.db", "memory-", "memory").model_copy(
        update={"registry": registry, "commit_interval": 0.4}
    )
    create_topics(settings, PARTITIONS)
    produce_bulk(settings, _events(), settings.topic("exchanges"), PARTITIONS)
    stage = Stage(settings, folder, account=None, partitions=PARTITIONS, records=EVENTS)  # type: ignore[arg-type]
    worker = WorkerProcess(stage, "memory-worker", keeps_name=False)
    worker.start()
    try:
        while stage.read() < EVENTS:
            worker.check_alive()
            time.sleep(0.1)
        peak = worker.peak_memory_mb()
    finally:
        worker.kill()
    return (
        f"memory: {peak:.0f} MB at the peak with {stage.cells():,} cells of one hour and "
        f"{EVENTS:,} events "
        "(bar: 400 MB with 5,000 cells)"
    )


class _Plain(yaml.SafeDumper):
    """Writes out what occurs twice: the registry takes no anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Always."""
        return True


def _write_registry(folder: Path) -> None:
    text = {"en": "Synthetic", "vi": "Tổng hợp"}
    agencies = [
        {"code": f"{kind}{number}", "name": text, "kind": "other", "connection": {"state": "live"}}
        for kind, count in (("P", SERVICES), ("C", CONSUMERS))
        for number in range(count)
    ]
    services = [
        {
            "id": f"load.service-{number}",
            "provider": f"P{number}",
            "name": text,
            "method": "query",
            "personal_data": "none",
        }
        for number in range(SERVICES)
    ]
    agreements = [
        {
            "id": f"AGR-{provider}-{consumer}",
            "title": text,
            "provider": f"P{provider}",
            "consumer": f"C{consumer}",
            "service": f"load.service-{provider}",
            "status": "active",
            "start": "2020-01-01",
            "end": "2099-12-31",
            "legal_basis": ["none: made for a measurement"],
            "purposes": ["measuring"],
            "objectives": {"latency": {"limit_ms": 500}},
        }
        for provider in range(SERVICES)
        for consumer in range(CONSUMERS)
    ]
    for name, records in (("agencies", agencies), ("services", services), ("agreements", agreements)):
        (folder / name).mkdir(parents=True)
        (folder / name / "all.yaml").write_text(
            yaml.dump(records, Dumper=_Plain, allow_unicode=True), encoding="utf-8"
        )


def _events() -> Iterator[_Sent]:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0).timestamp() - 3600
    for number in range(EVENTS):
        pair = number % CELLS
        consumer = f"C{pair % CONSUMERS}"
        provider = pair // CONSUMERS
        body = {
            "id": f"01JD0M3Z9V6QMEMORY{number:08d}",
            "time": int((hour + 3600 * number / EVENTS) * 1000),
            "provider": f"P{provider}",
            "consumer": consumer,
            "service": f"load.service-{provider}",
            "purpose": "measuring",
            "outcome": "ok",
            "duration_ms": (number * 37 % 9973) / 10,
            "records": 1,
            "request_bytes": 500,
            "response_bytes": 2000,
            "actor": f"{number % 997:032x}",
            "signed": True,
        }
        yield _Sent(consumer.encode(), msgspec.json.encode(body))
