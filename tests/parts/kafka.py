"""A real Apache Kafka, started with the same command that people use."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.child import Child
from tests.parts import missing_part

COMMAND = Path(__file__).resolve().parents[2] / "deploy" / "kafka" / "kafka"
START_SECONDS = 600.0  # the first start of a checkout fetches the jars


def require_kafka() -> None:
    """Skip (fail in CI) where Kafka cannot be run."""
    if shutil.which("java") is None:
        missing_part("Java 17", "install it (Debian: apt-get install openjdk-17-jre-headless)")
    if shutil.which("mvn") is None:
        missing_part("Maven", "install it (Debian: apt-get install maven)")


class Kafka:
    """One broker on a data folder, which can be stopped, killed and started again on the same port."""

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self.port = port
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients, host:port; known once it runs."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and return when it answers; a later start uses the same port."""
        self.data.mkdir(parents=True, exist_ok=True)
        output = self.data / "command.out"
        with output.open("wb") as log:
            child = Child(
                [str(COMMAND), "start", "--foreground", "--data", str(self.data), "--port", str(self.port)],
                log,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            said = output.read_text(encoding="utf-8", errors="replace")
            if answered := re.search(r"^127\.0\.0\.1:(\d+)$", said, re.MULTILINE):
                self.port = int(answered[1])
                self._child = child
                return self
            if child.status is not None or time.monotonic() > deadline:
                child.stop()
                raise RuntimeError(f"Kafka did not start: {said}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order; what it holds stays on disk."""
        if self._child is not None:
            self._child.stop(timeout=60)
            self._child = None

    def kill(self) -> None:
        """End the broker at once, as a power cut would."""
        assert self._child
        java = int((self.data / "broker.pid").read_text(encoding="utf-8"))
        subprocess.run(["kill", f"-{int(signal.SIGKILL)}", str(java)], check=True)
        self._child.wait(30)
        self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
