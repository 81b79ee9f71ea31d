"""The way of an alert, with every part real: event, Kafka, worker, database, Alertmanager, topic, desk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, KafkaProducer
from sqlalchemy import select

from alerts.incidents.tables import incidents
from alerts.lifecycle.store import Wanted, select_alerts
from monitor.cli import cli
from monitor.settings import Settings
from streams.administration import Administration
from streams.clients import client_arguments
from streams.topics import planned
from tests.e2e.exactness import Stage, WorkerProcess, environment_of, running, stage_settings
from tests.parts.alertmanager import Alertmanager, Inbox

PARTITIONS = 2
DEADLINE_S = 60.0
LEAK = "Confirmed leak of personal data"
STUFFING = "Credential stuffing from one address"


@contextmanager
def staged(
    bootstrap: str, folder: Path, prefix: str, group: str, alertmanager: Alertmanager
) -> Iterator[Stage]:
    """Topics, a database, and settings; an alert outlives a worker that is away for a minute."""
    settings = stage_settings(bootstrap, f"sqlite:///{folder}/monitor.db", prefix, group).model_copy(
        update={"alertmanager_urls": (alertmanager.url,), "alert_interval": 15.0}
    )
    with Administration(settings) as administration:
        administration.create(planned(settings.topic_prefix, partitions=PARTITIONS))
    yield Stage(settings, folder, account=None, partitions=PARTITIONS, records=0)  # type: ignore[arg-type]


def until(condition: Callable[[], Any], what: str, worker: WorkerProcess) -> Any:
    """Wait until a condition holds, and return what it gave."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        with suppress(OSError):
            found = condition()
            if found:
                return found
        worker.check_alive()
        assert time.monotonic() < deadline, f"{what} did not happen\n{worker.log_tail()}"
        time.sleep(0.05)


def send(settings: Settings, *events: dict[str, Any]) -> None:
    """Send security events, keyed by agency."""
    producer = KafkaProducer(**client_arguments(settings))
    for event in events:
        key, value = event["agency"].encode(), json.dumps(event).encode()
        producer.send(settings.topic("security-events"), key=key, value=value)
    producer.flush()
    producer.close()


def at(seconds: float) -> str:
    """A time so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def leak(agency: str, name: str) -> dict[str, Any]:
    """A confirmed leak, now."""
    return {"id": name, "time": at(0), "agency": agency, "kind": "leak_confirmed", "severity": 5}


def stuffing(agency: str) -> list[dict[str, Any]]:
    """Forty accounts tried from one address within a minute."""
    return [
        {
            "id": f"try-{number}",
            "time": at(number - 40),
            "agency": agency,
            "kind": "sign_in_failed",
            "severity": 2,
            "actor": f"a{number:015x}",
            "source_ip": "203.0.113.7",
        }
        for number in range(40)
    ]


def named(alertmanager: Alertmanager, title: str) -> list[dict[str, Any]]:
    """The alerts of a rule that an Alertmanager holds."""
    return [one for one in alertmanager.alerts().values() if title in json.dumps(one, ensure_ascii=False)]


@pytest.fixture
def stage(
    kafka_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str, alertmanager: Alertmanager
) -> Iterator[Stage]:
    """Where it plays."""
    with staged(kafka_broker, tmp_path, topic_prefix, consumer_group, alertmanager) as made:
        yield made


def test_a_leak_and_a_burst_reach_alertmanager_the_topic_and_the_desk_once(
    stage: Stage, alertmanager: Alertmanager, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker killed in between neither loses an alert nor raises it twice, and a desk can take it."""
    settings = stage.settings
    worker = WorkerProcess(stage, "worker", keeps_name=True)
    with running([worker]):
        until(stage.opened, "the partitions were not opened: it", worker)
        send(settings, leak("MOH", "leak-1"), *stuffing("MPS"))
        until(lambda: named(alertmanager, LEAK), "the leak's alert", worker)
        until(lambda: named(alertmanager, STUFFING), "the burst's alert", worker)

        worker.kill()
        send(settings, leak("MOH", "leak-1"), leak("MOH", "leak-2"))  # the first comes again
        worker.start()

        def both() -> bool:
            return [one.count for one in _alerts(stage, LEAK)] == [2]

        until(both, "counting the second leak", worker)
        (alert,) = named(alertmanager, LEAK)
        assert alert["labels"]["severity"] == "critical"
        assert alert["labels"]["agency"] == "MOH"
        assert alert["status"]["state"] == "active"

        # One incident: its clock began with the first event.
        with stage.engine.connect() as connection:
            found = connection.execute(
                select(incidents.c.agency, incidents.c.due_at, incidents.c.detected_at)
            )
            clocks = {(row[0], row[1] - row[2]) for row in found}
        assert clocks == {("MOH", timedelta(hours=72))}

        (held,) = _alerts(stage, LEAK)
        for name, value in environment_of(settings).items():
            monkeypatch.setenv(name, value)
        answer = CliRunner().invoke(cli, ["alerts", "ack", held.id, "--by", "soc/night", "--reason", "on it"])
        assert answer.exit_code == 0, answer.output
        told = until(lambda: _published(settings, held.id), "publishing every change", worker)
        assert [change["change"] for change in told] == ["opened", "acknowledged"]
        assert told[-1]["alert"]["acknowledged_by"] == "soc/night"
        label = next(iter(one["labels"]["alert_id"] for one in named(alertmanager, LEAK)))
        assert "resolved" not in inbox.told(label)
        assert worker.stop() == 0


def _alerts(stage: Stage, title: str) -> list[Any]:
    with stage.engine.connect() as connection:
        return [one for one in select_alerts(connection, Wanted()) if one.title == title]


def _published(settings: Settings, alert: str) -> list[dict[str, Any]] | None:
    """The changes of an alert on the topic, once both that are expected are there.

    A worker that is killed after it published and before it noted that publishes again, under the same id.
    """
    consumer = KafkaConsumer(
        settings.topic("alerts"),
        auto_offset_reset="earliest",
        consumer_timeout_ms=2000,
        **client_arguments(settings),
    )
    try:
        mine = [record for record in consumer if record.key == alert.encode()]
    finally:
        consumer.close()
    told: dict[bytes, dict[str, Any]] = {}
    for record in mine:
        change = json.loads(record.value)
        assert told.setdefault(dict(record.headers)["ce_id"], change) == change
    return list(told.values()) if len(told) >= 2 else None
