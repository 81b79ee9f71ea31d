"""A real Prometheus with data of its own, and promtool, which checks and tests rules without one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode

from streams.child import Child
from tests.parts import missing_part

PROGRAM = "prometheus"
REMEDY = "apt-get install prometheus"
START_SECONDS = 60.0
# What is first sent before an Alertmanager is found is dropped; by default it is sent again after a minute.
RESEND = "1s"
ATTEMPTS = 3  # a port that was free a moment ago can be taken by the time it is bound


def require_prometheus() -> str:
    """Path of Prometheus; skip (fail in CI) where there is none."""
    found = shutil.which(PROGRAM)
    if found is None:
        missing_part("Prometheus", REMEDY)
    return found


def require_promtool() -> str:
    """Path of promtool; skip (fail in CI) where there is none."""
    found = shutil.which("promtool")
    if found is None:
        missing_part("promtool", REMEDY)
    return found


def promtool(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What promtool says; whatever it returns."""
    return subprocess.run(
        [require_promtool(), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )


class Prometheus:
    """One Prometheus; `configuration` is its file, and `data` the folder that it keeps its series in."""

    def __init__(self, configuration: Path, data: Path) -> None:
        self.configuration = configuration
        self.data = data
        self.port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address; known once it runs."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and return when it is ready; a later start uses the same port and data."""
        program = require_prometheus()
        self.data.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or _free_port()
            if self._launch(program, port):
                self.port = port
                return self
        said = (self.data / "output.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"Prometheus did not start: {said[-1500:]}")

    def stop(self) -> None:
        """Stop it in order."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def get(self, path: str, **parameters: str) -> Any:
        """The data of what its API answers to GET, such as `rules` or `query` with query=…"""
        address = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  # loopback
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The series that an expression gives now: labels and value."""
        found = self.get("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def reload(self) -> None:
        """Have it read its configuration and rules again; raises HTTPError where it refuses them."""
        asked = urllib.request.Request(f"{self.url}/-/reload", method="POST")  # noqa: S310  # loopback
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310

    def _launch(self, program: str, port: int) -> bool:
        command = [
            program,
            f"--config.file={self.configuration}",
            f"--storage.tsdb.path={self.data / 'series'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            f"--rules.alert.resend-delay={RESEND}",
            "--log.level=warn",
        ]
        with (self.data / "output.log").open("ab") as log:
            self._child = Child(command, log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._child.status is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).close()
            except (URLError, OSError):
                time.sleep(0.05)
            else:
                return True
        self.stop()
        return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
