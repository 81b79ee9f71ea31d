"""The stack: its parts started in order, watched, and stopped in reverse."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from deploy.stack import scenario
from deploy.stack.files import DEPLOY, alertmanager_file, prometheus_files
from deploy.stack.parts import command
from deploy.stack.parts.alertmanager import Alertmanager, alertmanager_program
from deploy.stack.parts.command import Running, Worker
from deploy.stack.parts.grafana import Grafana, by_hand, grafana_program, sources
from deploy.stack.parts.inbox import Inbox
from deploy.stack.parts.kafka import Kafka, require_java_and_maven
from deploy.stack.parts.part import Missing, Part, end_of
from deploy.stack.parts.ports import HOST, free_port, usual_or_free
from deploy.stack.parts.postgres import Postgres, postgres_programs
from deploy.stack.parts.prometheus import Prometheus, prometheus_program
from monitor.errors import MonitorError, UsageProblem
from monitor.registry.load import load_registry
from monitor.registry.registry import Registry
from monitor.settings import Settings, load_settings

DATABASE = "monitor"
USUAL = {"kafka": 9092, "postgres": 5432, "prometheus": 9090, "alertmanager": 9093, "inbox": 9099,
         "grafana": 3000, "worker": 6066}  # fmt: skip
KEY_BYTES = 32

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: exchanges a second, workers, and whether the usual ports are left to others.

    `scrape` is Prometheus's interval in seconds; None is what is shipped.
    """

    rate: float
    workers: int
    free_ports: bool = False
    scrape: float | None = None


def require_programs() -> None:
    """Raise MonitorError that names every program that is missing, and what to do about it."""
    problems = []
    for look in (require_java_and_maven, postgres_programs, prometheus_program, alertmanager_program):
        try:
            look()
        except Missing as missing:
            problems.append(str(missing))
    if problems:
        lines = "\n  ".join(problems)
        raise MonitorError(f"the stack needs programs that no Python package brings:\n  {lines}")


class Stage:
    """All parts of a stack. `parts` stops them: whatever had started when it is closed."""

    def __init__(self, folder: Path, plan: Plan, parts: ExitStack, say: Say) -> None:
        self._folder = folder
        self._plan = plan
        self._parts = parts
        self._say = say
        self._port: Callable[[int], int] = (lambda _: free_port()) if plan.free_ports else usual_or_free
        self.running: list[Part] = []
        self.workers: list[Worker] = []
        self.by_hand: str | None = None  # how to start a Grafana, where none was found

    def set_up(self) -> None:
        """Start everything and return when workers count and the simulator sends. Raises MonitorError."""
        own = self._isolated()
        self._say("Starting Apache Kafka …")
        self.kafka = Kafka(self._folder / "kafka", self._port(USUAL["kafka"]))
        self._start(self.kafka)
        self._say("Starting PostgreSQL …")
        self.postgres = Postgres(self._folder / "postgres", self._port(USUAL["postgres"]))
        self._start(self.postgres)
        self.database_url = self.postgres.database(DATABASE)
        own |= {"kafka_bootstrap": self.kafka.bootstrap, "database_url": self.database_url}
        self._say("Making topics and tables …")
        command.run(self._folder, own, "topics", "create")
        command.run(self._folder, own, "migrate")
        self._let_grafana_read()
        self._say("Starting Alertmanager, Prometheus and the workers …")
        self.inbox = self._parts.enter_context(Inbox(self._port(USUAL["inbox"])))
        receivers = alertmanager_file(self._folder, self.inbox.host)
        self.alertmanager = Alertmanager(
            receivers, self._folder / "alertmanager", self._port(USUAL["alertmanager"])
        )
        self._start(self.alertmanager)
        own |= {"alertmanager_urls": self.alertmanager.url}
        # Their ports are chosen first, as Prometheus is told them; they are started after it, so that it sees
        # their first figures, and stopped before it, so that it sees their last.
        own |= {"pseudonym_key_file": str(self._key()), "xroad_wait": scenario.XROAD_WAIT}
        chosen = [self._port(USUAL["worker"] + number) for number in range(self._plan.workers)]
        self._start_prometheus(chosen)
        self._start_grafana()
        self._start_workers(own, chosen)
        self._start_simulator(own)

    def check(self) -> None:
        """Raise MonitorError that says which part has ended, with the end of what it wrote."""
        for part in self.running:
            if part.status is not None:
                raise MonitorError(f"{part.name} ended (exit status {part.status}):\n{end_of(part.log)}")

    def _start(self, part: Part) -> None:
        self._parts.enter_context(part)
        self.running.append(part)

    def _isolated(self) -> dict[str, str]:
        """The stack's settings: registry, rules and zone are the user's, everything else is its own."""
        users = load_settings()
        if not users.registry.is_dir():
            raise UsageProblem(
                f"MONITOR_REGISTRY: there is no folder {users.registry}; run this in the project's folder, "
                "or name a folder of agencies, services and agreements"
            )
        self._users = users
        self.registry: Registry = load_registry(users.registry)
        own = {"registry": str(users.registry.resolve()), "timezone": users.timezone}
        if users.rules is not None:
            own["rules"] = str(users.rules.resolve())
        return own

    def _key(self) -> Path:
        """The key of pseudonyms: made once, as other pseudonyms would be other people."""
        path = self._folder / "pseudonyms.key"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(KEY_BYTES), encoding="utf-8")
        return path

    def _let_grafana_read(self) -> None:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'grafana'").fetchone():
                connection.execute((DEPLOY / "grafana" / "reader.sql").read_bytes())

    def _start_prometheus(self, worker_ports: Sequence[int]) -> None:
        port = self._port(USUAL["prometheus"])
        targets = {
            "monitor": [f"{HOST}:{each}" for each in worker_ports],
            "alertmanager": [f"{HOST}:{self.alertmanager.port}"],
            "prometheus": [f"{HOST}:{port}"],
        }
        files = prometheus_files(self._folder / "prometheus-files", targets, self._plan.scrape)
        self.prometheus = Prometheus(files, self._folder / "prometheus", port)
        self._start(self.prometheus)

    def _start_grafana(self) -> None:
        variables = sources(self.prometheus.url, self.postgres.port, DATABASE)
        if grafana_program() is None:
            self.by_hand = by_hand(variables)
            return
        self._say("Starting Grafana …")
        self._start(Grafana(variables, self._folder / "grafana", self._port(USUAL["grafana"])))

    def _start_workers(self, own: dict[str, str], ports: Sequence[int]) -> None:
        names = ["worker"] if len(ports) == 1 else [f"worker {number}" for number in range(1, len(ports) + 1)]
        self.workers = [
            Worker(name, self._folder, own, port) for name, port in zip(names, ports, strict=True)
        ]
        for worker in self.workers:
            self._start(worker)
        self._parts.enter_context(_told_together(self.workers))
        for worker in self.workers:
            worker.await_ready()

    def _start_simulator(self, own: dict[str, str]) -> None:
        settings = Settings.model_construct(kafka_bootstrap=self.kafka.bootstrap)
        seed, now = secrets.randbits(32), datetime.now(UTC)
        known = (self.registry, seed, self._users.zone, now)
        _send(settings, "lifecycle-events", list(scenario.recorded(*known)))
        _send(settings, "security-events", [scenario.leaked(*known)])
        simulator = Running("simulator", self._folder, own, *scenario.simulation(self._plan.rate, seed))
        self._start(simulator)


@contextmanager
def _told_together(workers: Sequence[Running]) -> Iterator[None]:
    """Tell all to stop before the first is waited for: each may take seconds."""
    try:
        yield
    finally:
        for worker in workers:
            worker.tell_to_stop()


def _send(settings: Settings, topic: str, events: Sequence[dict[str, Any]]) -> None:
    """Send events under their agencies' codes, and return when the broker has them. Raises MonitorError."""
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    from streams.clients import client_arguments

    producer = KafkaProducer(**client_arguments(settings))
    try:
        for event in events:
            key = str(event["agency"]).encode()
            producer.send(settings.topic(topic), msgspec.json.encode(event), key)
        producer.flush(timeout=30)
    except KafkaError as why:
        raise MonitorError(f"events could not be sent: {why}") from why
    finally:
        producer.close(timeout=5)
