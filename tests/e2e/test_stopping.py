"""A worker that is told to stop ends within ten seconds with status 0, whatever does not answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer

from monitor.settings import Settings, load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from streams.embedded import EmbeddedBroker
from tests.builders import exchange_json
from tests.e2e.exactness import REGISTRY, create_topics, environment_of
from tests.parts.embedded import require_embedded

STOP_S = 10.0  # the promise
START_S = 90.0
PARTITIONS = 2


class Worker:
    """A real worker on the embedded broker and SQLite."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str, group: str) -> None:
        self.database = folder / "monitor.db"
        self.log = folder / "worker.log"
        self.settings: Settings = load_settings(
            kafka_bootstrap=bootstrap,
            kafka_profile="embedded",
            topic_prefix=prefix,
            consumer_group=group,
            database_url=f"sqlite:///{self.database}",
            registry=REGISTRY,
        )
        engine = open_engine(self.settings.sqlalchemy_url)
        migrate(engine)
        engine.dispose()
        self._folder = folder

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it; it is killed at the end if it is still there."""
        environment = {**os.environ, **environment_of(self.settings), "MONITOR_WEB_PORT": "0"}
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "worker"],
                stdout=log, stderr=log, env=environment, cwd=self._folder,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def await_said(self, what: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until its log holds something."""
        deadline = time.monotonic() + START_S
        while what not in self.said():
            assert process.poll() is None, self.said()[-3000:]
            assert time.monotonic() < deadline, self.said()[-3000:]
            time.sleep(0.05)

    def ready(self) -> tuple[int, str]:
        """What /readyz answers."""
        return self._get("/readyz")

    def _get(self, path: str) -> tuple[int, str]:
        address = self.said().split('"web": "', 1)[1].split('"', 1)[0]
        try:
            with urllib.request.urlopen(f"{address}{path}", timeout=5) as answer:  # noqa: S310  # its own
                return answer.status, answer.read().decode().strip()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode().strip()
        except OSError as why:
            return 0, str(why)

    def await_lag(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until it knows of a record that it has not committed."""
        deadline = time.monotonic() + START_S
        # The page's figure, sampled every second: the metric moves with the commit that is to hang here.
        while not json.loads(self._get("/api/overview")[1])["lag"]["total"]:
            assert process.poll() is None, self.said()[-3000:]
            assert time.monotonic() < deadline, self.said()[-3000:]
            time.sleep(0.05)

    def await_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until it is ready."""
        self.await_said('"web": "', process)
        deadline = time.monotonic() + START_S
        while (answer := self.ready()) != (200, "ready"):
            assert process.poll() is None, self.said()[-3000:]
            assert time.monotonic() < deadline, (answer, self.said()[-3000:])
            time.sleep(0.05)


def send_one(settings: Settings) -> None:
    """Send an exchange."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False)
    producer.send(settings.topic("exchanges"), key=b"MOH", value=exchange_json(time=datetime.now(UTC))).get(
        20
    )
    producer.close()


def stops(process: subprocess.Popen[bytes], worker: Worker) -> float:
    """Tell it to stop; return the seconds that took. Its status must be 0."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(STOP_S)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"not ended within {STOP_S:g} s\n{worker.said()[-3000:]}") from late
    assert status == 0, worker.said()[-3000:]
    return time.monotonic() - began


def test_a_worker_that_is_well_stops_in_order(
    embedded_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """Without the deadline's help."""
    worker = Worker(tmp_path, embedded_broker, topic_prefix, consumer_group)
    create_topics(worker.settings, PARTITIONS)
    with worker.running() as process:
        worker.await_ready(process)
        stops(process, worker)
    assert "ending without waiting" not in worker.said()


def test_a_worker_stops_though_the_broker_is_gone(
    tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """It cannot leave the group, and does not wait for that."""
    require_embedded()
    with EmbeddedBroker(log=tmp_path / "broker.log") as broker:
        worker = Worker(tmp_path, broker.bootstrap, topic_prefix, consumer_group)
        create_topics(worker.settings, PARTITIONS)
        with worker.running() as process:
            worker.await_ready(process)
            broker.stop()
            deadline = time.monotonic() + START_S
            while worker.ready() != (503, "not in the consumer group"):
                assert time.monotonic() < deadline, worker.ready()
                time.sleep(0.05)
            stops(process, worker)


def test_a_worker_stops_while_it_waits_for_its_first_answer(
    tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """In the middle of its start: something takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        worker = Worker(tmp_path, address, topic_prefix, consumer_group)
        with worker.running() as process:
            silent.settimeout(START_S)
            connection, _ = silent.accept()
            with connection:
                stops(process, worker)


def test_a_worker_stops_though_the_database_hangs(
    embedded_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """A statement that waits for another's lock cannot be taken back; the process ends all the same."""
    worker = Worker(tmp_path, embedded_broker, topic_prefix, consumer_group)
    create_topics(worker.settings, PARTITIONS)
    with worker.running() as process:
        worker.await_ready(process)
        other = sqlite3.connect(worker.database, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            send_one(worker.settings)
            worker.await_lag(process)
            stops(process, worker)
        finally:
            other.close()
    assert "ending without waiting" in worker.said()
