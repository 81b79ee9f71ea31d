"""History files of any size, and a backfill in a process of its own that can be killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sqlalchemy import select

from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings
from monitor.simulation import Account, Shares, simulate
from monitor.storage import tables
from tests.e2e.exactness import REGISTRY, Stage, environment_of

# A file has no headers, where CloudEvents in binary mode have their ids and times.
PLAIN = Shares(binary=0, structured=0)
HARSH = Shares(breach=0.02, late=0.01, duplicate=0.01, malformed=0.005, fault=0.02, binary=0, structured=0.03)
# Ten million exchanges at the platform's rate take four days, or three weeks where weekends are among them.
DAYS_BACK = 40
# Some of what is simulated is too old for live counting, which the account knows.
AGE_DAYS = 90
_BUFFER = 4 * 1024 * 1024


def write_history(path: Path, lines: int, *, seed: int, shares: Shares) -> Account:
    """Write a file of simulated exchanges, one a line, and return the account of them."""
    account = Account()
    settings = load_settings(registry=REGISTRY)
    start = time.time() - DAYS_BACK * 86_400
    sent = simulate(load_registry(REGISTRY), seed=seed, zone=settings.zone, shares=shares, start=start)
    with path.open("wb", _BUFFER) as file:
        while account.sent < lines:
            event = next(sent)
            # What is malformed may hold line breaks, or be nothing at all, which no line is.
            body = event.value.replace(b"\n", b" ").replace(b"\r", b" ")
            if body.strip():
                file.write(body + b"\n")
                account.add(event)
    return account


def history_settings(database_url: str) -> Settings:
    """Settings for a backfill: nothing of Kafka in them matters."""
    return load_settings(database_url=database_url, registry=REGISTRY)


def stage_of(settings: Settings, folder: Path, account: Account) -> Stage:
    """The place of a backfill, with its database. Lines of a file are never late."""
    return Stage(settings, folder, account, partitions=1, records=account.sent, late=0)


@dataclass
class BackfillProcess:
    """A real backfill of one file. `chunk` lines a transaction instead of what it has by itself."""

    stage: Stage
    path: Path
    chunk: int | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log: IO[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.stage.folder / "backfill.log"

    def start(self) -> None:
        """Start it."""
        code = "import sys; from monitor.cli import main; import monitor.backfill.run as run; "
        if self.chunk is not None:
            code += f"run.CHUNK_RECORDS = {self.chunk}; "
        self._log = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{code} main()", "backfill", str(self.path), "--max-age", str(AGE_DAYS)],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, **environment_of(self.stage.settings)},
        )

    def counted(self) -> int:
        """Lines that the database says were read."""
        with self.stage.engine.connect() as connection:
            found = connection.execute(
                select(tables.offsets.c.next_offset).where(tables.offsets.c.topic.like("file:%"))
            ).scalar()
        return max(int(found or 0), 0)

    def kill(self) -> None:
        """SIGKILL, where it still runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self._log is not None:
            self._log.close()

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.process is not None
        return self.process.wait(timeout=seconds)

    def peak_memory_mb(self) -> float:
        """The most resident memory it has had so far, in megabytes (Linux)."""
        assert self.process is not None
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(found[0]) * 1024 / 1e6 if found else 0.0


def kill_at_random(backfill: BackfillProcess, *, kills: int, seed: int, seconds: float) -> list[int]:
    """Kill it so many times, at random moments after random lines, then let it end; return the lines.

    A kill that comes when the file is done kills nothing; the points lie so that this is seldom.
    """
    lot = random.Random(seed)
    lines = backfill.stage.records
    points = sorted(lot.uniform(0.0, 0.9) * lines for _ in range(kills))
    deadline = time.monotonic() + seconds
    killed_at = []
    for point in points:
        backfill.start()
        while (read := backfill.counted()) < point:
            assert backfill.process is not None
            assert backfill.process.poll() is None, backfill.log.read_text(encoding="utf-8")[-3000:]
            assert time.monotonic() < deadline, f"{read} lines when time was up"
            time.sleep(0.005)
        time.sleep(lot.uniform(0.0, 0.2))
        backfill.kill()
        killed_at.append(read)
    backfill.start()
    # 1: it had lines to reject; 0 where the last kill came too late to leave it any.
    assert backfill.wait(max(deadline - time.monotonic(), 1)) in (0, 1), backfill.log.read_text(
        encoding="utf-8"
    )
    return killed_at
