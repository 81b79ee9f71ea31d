"""Database or broker away in the middle: the worker stays, loses nothing and catches up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.exactness import Stage, WorkerProcess, differences, fill, running, stage_settings
from tests.parts.kafka import Kafka, require_kafka
from tests.parts.postgres import Postgres, fresh_database, require_postgres

EVENTS = 60_000
SHORT_S, LONG_S = 8.0, 300.0  # five minutes is what the monitor promises to ride out
CATCH_UP_S = 120.0


def test_the_database_goes_away_and_comes_back(
    kafka_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """Commits wait while PostgreSQL is stopped; then every total is exact, by the same worker."""
    _database_away(kafka_broker, tmp_path, topic_prefix, consumer_group, SHORT_S)


@pytest.mark.drill
@pytest.mark.timeout(LONG_S + 300)
def test_drill_the_database_is_away_for_five_minutes(
    kafka_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """The same for five minutes."""
    _database_away(kafka_broker, tmp_path, topic_prefix, consumer_group, LONG_S)


def test_the_broker_goes_away_and_comes_back(tmp_path: Path, topic_prefix: str, consumer_group: str) -> None:
    """Reading waits while Kafka is stopped; afterwards every total is exact and the worker is the same."""
    _broker_away(tmp_path, topic_prefix, consumer_group, SHORT_S)


@pytest.mark.drill
@pytest.mark.timeout(LONG_S + 300)
def test_drill_the_broker_is_away_for_five_minutes(
    tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """The same for five minutes."""
    _broker_away(tmp_path, topic_prefix, consumer_group, LONG_S)


def _database_away(bootstrap: str, folder: Path, prefix: str, group: str, seconds: float) -> None:
    require_postgres()
    with Postgres() as server, fresh_database(server.url) as url:
        stage = fill(
            stage_settings(bootstrap, url, prefix, group), folder, events=EVENTS, partitions=8, seed=3
        )
        worker = WorkerProcess(stage, "worker", keeps_name=True)
        with running([worker]):
            _wait_for(stage, worker, records=1)
            server.stop()
            stage.engine.dispose()
            _stay(worker, seconds)
            server.start()
            _wait_for(stage, worker, records=stage.records)
        assert differences(stage) == []


def _broker_away(folder: Path, prefix: str, group: str, seconds: float) -> None:
    require_kafka()
    with Kafka(folder / "kafka") as broker:
        settings = stage_settings(broker.bootstrap, f"sqlite:///{folder}/monitor.db", prefix, group)
        stage = fill(settings, folder, events=EVENTS, partitions=8, seed=4)
        worker = WorkerProcess(stage, "worker", keeps_name=True)
        with running([worker]):
            _wait_for(stage, worker, records=1)
            broker.stop()
            _stay(worker, seconds)
            broker.start()
            _wait_for(stage, worker, records=stage.records)
        assert differences(stage) == []


def _stay(worker: WorkerProcess, seconds: float) -> None:
    """Let the outage last; the worker must not give up meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        worker.check_alive()
        time.sleep(0.1)


def _wait_for(stage: Stage, worker: WorkerProcess, *, records: int) -> None:
    deadline = time.monotonic() + CATCH_UP_S
    while stage.read() < records:
        worker.check_alive()
        assert time.monotonic() < deadline, f"{stage.read()} of {records} read\n{worker.log_tail()}"
        time.sleep(0.05)
