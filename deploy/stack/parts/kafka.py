"""A local Apache Kafka, started with the same command that people use."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.stack.parts.part import Missing, end_of
from deploy.stack.parts.ports import HOST
from monitor.errors import MonitorError
from streams.child import Child

COMMAND = Path(__file__).resolve().parents[2] / "kafka" / "kafka"
START_SECONDS = 600.0  # the first start of a checkout fetches the jars
STOP_SECONDS = 60.0


# What it needs, by program: the name for people, and what to do without it.
NEEDED = {
    "java": ("Java 17", "install it (Debian: apt-get install openjdk-17-jre-headless)"),
    "mvn": ("Maven", "install it (Debian: apt-get install maven)"),
}


def require_java_and_maven() -> None:
    """Raise Missing where Kafka cannot be run."""
    for program, (what, remedy) in NEEDED.items():
        if shutil.which(program) is None:
            raise Missing(f"{what} is missing: {remedy}")


class Kafka:
    """One broker on a data folder, which can be stopped, killed and started again on the same port."""

    name = "Apache Kafka"

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self.port = port
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients, host:port; known once it runs."""
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """The same."""
        return self.bootstrap

    @property
    def log(self) -> Path:
        """Where the command's output goes; the broker's own log is `server.log` beside it."""
        return self.data / "command.out"

    @property
    def pid(self) -> int | None:
        """Process id of the command that runs the broker; None where it does not run."""
        return None if self._child is None else self._child.pid

    @property
    def status(self) -> int | None:
        """Exit status of the command that runs the broker; None while it runs, and before."""
        return None if self._child is None else self._child.status

    def start(self) -> Self:
        """Start it and return when it answers; a later start uses the same port. Raises MonitorError."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._child = Child(
                [str(COMMAND), "start", "--foreground", "--data", str(self.data), "--port", str(self.port)],
                log,
            )
        try:
            self.port = self._answered(self._child)
        except BaseException:
            self.stop()
            raise
        return self

    def _answered(self, child: Child) -> int:
        """The port on which it answers, once it does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            said = self.log.read_text(encoding="utf-8", errors="replace")
            if answered := re.search(r"^127\.0\.0\.1:(\d+)$", said, re.MULTILINE):
                return int(answered[1])
            if child.status is not None or time.monotonic() > deadline:
                raise MonitorError(f"Kafka did not start: {end_of(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order; what it holds stays on disk."""
        if self._child is not None:
            self._child.stop(timeout=STOP_SECONDS)
            self._child = None

    def kill(self) -> None:
        """End the broker at once, as a power cut would."""
        assert self._child, "Kafka does not run"  # noqa: S101  # a mistake of the caller
        java = (self.data / "broker.pid").read_text(encoding="utf-8").strip()
        subprocess.run(["kill", f"-{int(signal.SIGKILL)}", java], check=True)  # noqa: S603, S607  # its own pid
        self._child.wait(30)
        self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
