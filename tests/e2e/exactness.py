"""The proof of exactness: workers are killed while they count, and every total must equal what was sent."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Engine, func, select

from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings
from monitor.simulation import Account, Cell, Sent, Shares, simulate
from monitor.simulation.account import CellKey
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from streams.administration import Administration
from streams.bulk import partition_of, produce_bulk
from streams.topics import planned

CHECKOUT = Path(__file__).resolve().parents[2]
REGISTRY = CHECKOUT / "deploy" / "registry"
SESSION_S = 6.0  # the broker's own lower bound: how soon it gives a killed worker's partitions away
# A run's events lie so far back that none is in the future when it is read, however late it starts: a million
# of them take nine hours of a working day, and two days of a weekend.
HOURS_BACK = 100


@dataclass
class Stage:
    """Where a drill plays: the workers' settings, a topic that is full, and the account of what is in it."""

    settings: Settings
    folder: Path
    account: Account
    partitions: int
    records: int
    bytes_sent: int = 0
    late: int = 0
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = open_engine(self.settings.sqlalchemy_url)
        migrate(self.engine)

    def opened(self) -> bool:
        """Whether a worker has taken every partition over."""
        with self.engine.connect() as connection:
            query = select(func.count()).where(tables.offsets.c.topic == self.settings.topic("exchanges"))
            count = connection.execute(query).scalar_one()
        return int(count) == self.partitions

    def cells(self) -> int:
        """Cells in the database."""
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.cells)).scalar_one())

    def read(self) -> int:
        """Records that the database says were read."""
        with self.engine.connect() as connection:
            total = connection.execute(
                select(func.sum(tables.offsets.c.next_offset)).where(
                    tables.offsets.c.topic == self.settings.topic("exchanges"),
                    tables.offsets.c.next_offset > 0,
                )
            ).scalar_one()
        return int(total or 0)


# More of everything that is hard than the platform has.
HARSH = Shares(
    breach=0.02, late=0.01, duplicate=0.01, malformed=0.005, fault=0.02, binary=0.03, structured=0.03
)


def create_topics(settings: Settings, partitions: int) -> None:
    """Create the topics of the contract under the settings' prefix."""
    with Administration(settings) as administration:
        administration.create(planned(settings.topic_prefix, partitions=partitions))


class Lateness:
    """Counts late events as each partition sees them: the first one of a partition is behind nothing."""

    def __init__(self, partitions: int, late_after_s: float) -> None:
        self.late = 0
        self._newest = [float("-inf")] * partitions
        self._late_after_s = late_after_s

    def see(self, sent: Sent) -> None:
        """Take the next event of the stream."""
        if sent.kind == "malformed":
            return
        partition = partition_of(sent.key, len(self._newest))
        newest = self._newest[partition]
        self.late += sent.kind != "duplicate" and sent.time < newest - self._late_after_s
        self._newest[partition] = max(newest, sent.time)


def fill(
    settings: Settings, folder: Path, *, events: int, partitions: int, seed: int, shares: Shares = HARSH
) -> Stage:
    """Create the topics, send simulated events in bulk, and keep account of them."""
    create_topics(settings, partitions)
    account = Account()
    start = time.time() - HOURS_BACK * 3600

    size = 0
    lateness = Lateness(partitions, settings.late_after.total_seconds())

    def kept() -> Iterator[object]:
        nonlocal size
        for sent in simulate(
            load_registry(settings.registry),
            seed=seed,
            zone=settings.zone,
            shares=shares,
            start=start,
            count=events,
        ):
            account.add(sent)
            lateness.see(sent)
            size += len(sent.value)
            yield sent

    loaded = produce_bulk(settings, kept(), settings.topic("exchanges"), partitions)  # type: ignore[arg-type]
    return Stage(settings, folder, account, partitions, loaded.records, size, lateness.late)


class WorkerProcess:
    """A real worker in a process of its own, that can be killed and started again."""

    def __init__(self, stage: Stage, name: str, *, keeps_name: bool) -> None:
        self._stage = stage
        self._name = name
        self._keeps_name = keeps_name
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.started_at = 0.0

    def start(self) -> None:
        """Start it."""
        self._log = (self._stage.folder / f"{self._name}.log").open("ab")
        environment = {
            **os.environ,
            **environment_of(self._stage.settings),
            "MONITOR_WEB_PORT": "0",
        }
        if self._keeps_name:
            environment["MONITOR_INSTANCE_ID"] = self._name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "worker"],
            stdout=self._log,
            stderr=self._log,
            env=environment,
            cwd=self._stage.folder,
        )
        self.started_at = time.monotonic()

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM; return its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    def check_alive(self) -> None:
        """Raise with the end of its log when it has ended by itself."""
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise AssertionError(f"worker {self._name} ended with {status}:\n{self.log_tail()}")

    def web_address(self) -> str:
        """Where its pages are, once it has said so."""
        match = re.search(r'"web": "(http://[^"]+)"', (self._stage.folder / f"{self._name}.log").read_text())
        assert match is not None, "the worker's log names no address"
        return match[1]

    def peak_memory_mb(self) -> float:
        """The most resident memory it has had, in megabytes (Linux)."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        assert match is not None
        return int(match[1]) * 1024 / 1e6

    def log_tail(self) -> str:
        """The last lines of its log."""
        text = (self._stage.folder / f"{self._name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-30:])


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings of a stage as environment variables."""
    return {
        "MONITOR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "MONITOR_KAFKA_PROFILE": settings.kafka_profile,
        "MONITOR_TOPIC_PREFIX": settings.topic_prefix,
        "MONITOR_CONSUMER_GROUP": settings.consumer_group,
        "MONITOR_DATABASE_URL": settings.database_url,
        "MONITOR_REGISTRY": str(settings.registry),
        "MONITOR_SESSION_TIMEOUT": str(settings.session_timeout),
        "MONITOR_COMMIT_INTERVAL": str(settings.commit_interval),
        "MONITOR_ALERTMANAGER_URLS": ",".join(settings.alertmanager_urls),
        "MONITOR_ALERT_INTERVAL": str(settings.alert_interval),
        "MONITOR_LOG_FORMAT": "json",
    }


def stage_settings(bootstrap: str, database_url: str, prefix: str, group: str) -> Settings:
    """Settings for a drill: commits are frequent, so that kills fall before, in and after them."""
    return load_settings(
        kafka_bootstrap=bootstrap,
        database_url=database_url,
        topic_prefix=prefix,
        consumer_group=group,
        registry=REGISTRY,
        session_timeout=SESSION_S,
        commit_interval=0.1,
    )


@contextmanager
def running(workers: list[WorkerProcess]) -> Iterator[None]:
    """Start workers and end every one of them, whatever happens."""
    try:
        for worker in workers:
            worker.start()
        yield
    finally:
        for worker in workers:
            worker.kill()


def kill_while_counting(
    stage: Stage, workers: list[WorkerProcess], *, kills: int, seed: int, deadline_s: float
) -> list[int]:
    """Kill a worker at `kills` random points of progress; return the records read at each kill.

    The points are spread over the whole topic and drawn by lot, and a kill comes at a random moment after
    its point is reached, so that it hits loading, counting and committing alike.
    """
    lot = random.Random(seed)
    points = sorted(lot.uniform(0.0, 0.97) * stage.records for _ in range(kills))
    killed_at = []
    deadline = time.monotonic() + deadline_s
    for point in points:
        while (read := stage.read()) < point:
            _expect_progress(stage, workers, deadline)
            time.sleep(0.02)
        time.sleep(lot.uniform(0.0, 0.15))
        victim = lot.choice(workers)
        victim.kill()
        killed_at.append(read)
        victim.start()
    while stage.read() < stage.records:
        _expect_progress(stage, workers, deadline)
        time.sleep(0.05)
    return killed_at


def _expect_progress(stage: Stage, workers: list[WorkerProcess], deadline: float) -> None:
    for worker in workers:
        worker.check_alive()
    if time.monotonic() > deadline:
        tails = "\n".join(worker.log_tail() for worker in workers)
        raise AssertionError(f"{stage.read()} of {stage.records} read when time was up\n{tails}")


def differences(stage: Stage) -> list[str]:
    """Every total that differs between the database and the account, in words; empty when exact."""
    found: list[str] = []
    cells = tables.cells.c
    columns = (
        "ok",
        "fault",
        "denied",
        "timeout",
        "records",
        "request_bytes",
        "response_bytes",
        "duration_us",
        "duplicates",
    )
    with stage.engine.connect() as connection:
        counted = {
            _key(row): dict(zip(columns, map(int, row[4:]), strict=True))
            for row in connection.execute(
                select(
                    cells.hour,
                    cells.provider,
                    cells.consumer,
                    cells.service,
                    *[func.sum(cells[name]) for name in columns],
                ).group_by(cells.hour, cells.provider, cells.consumer, cells.service)
            )
        }
        breach = tables.findings.c
        breaches: dict[CellKey, dict[str, int]] = {}
        for *where, kind, count in connection.execute(
            select(
                breach.hour,
                breach.provider,
                breach.consumer,
                breach.service,
                breach.breach,
                func.sum(breach["count"]),
            ).group_by(breach.hour, breach.provider, breach.consumer, breach.service, breach.breach)
        ):
            breaches.setdefault(_key(where), {})[kind] = int(count)
        late = connection.execute(select(func.sum(cells.late))).scalar_one()
        rejected = connection.execute(select(func.sum(tables.rejected.c["count"]))).scalar_one()
    for key in sorted(set(counted) | set(stage.account.cells)):
        sent = stage.account.cells.get(key, Cell())
        wanted = {
            **sent.outcomes,
            "records": sent.records,
            "request_bytes": sent.request_bytes,
            "response_bytes": sent.response_bytes,
            "duration_us": sent.duration_us,
            "duplicates": sent.duplicates,
        }
        if counted.get(key) != wanted:
            found.append(f"cell {key}: counted {counted.get(key)}, sent {wanted}")
        if breaches.get(key, {}) != sent.breaches:
            found.append(f"breaches of {key}: found {breaches.get(key)}, sent {sent.breaches}")
    if (late or 0) != stage.late:
        found.append(f"late: counted {late}, sent {stage.late}")
    malformed = sum(stage.account.malformed.values())
    if (rejected or 0) != malformed:
        found.append(f"malformed: set aside {rejected}, sent {malformed}")
    return found


def _key(row: Sequence[Any]) -> CellKey:
    return int(row[0]), str(row[1]), str(row[2]), str(row[3])
