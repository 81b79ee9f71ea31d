"""A real Alertmanager that can be killed and started again, and an inbox for whom it notifies."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError

from streams.child import Child
from tests.parts import missing_part

# Debian names the program after its package; others as its makers do.
PROGRAMS = ("prometheus-alertmanager", "alertmanager")
START_SECONDS = 30.0
ATTEMPTS = 3  # a port that was free a moment ago can be taken by the time it is bound
# How often the notification log is written: what a kill may cost. The default is 15 minutes.
SNAPSHOT = "1s"
WATCHDOG = "watchdog"  # the label alert_id of the alert that the monitor keeps open


def require_alertmanager() -> None:
    """Skip (fail in CI) where Alertmanager cannot be run."""
    if _program() is None:
        missing_part("Alertmanager", "apt-get install prometheus-alertmanager")


def require_amtool() -> str:
    """Path of amtool; skip (fail in CI) where there is none."""
    found = shutil.which("amtool")
    if found is None:
        missing_part("amtool", "apt-get install prometheus-alertmanager")
    return found


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Alertmanager:
    """One Alertmanager without a cluster; `configuration` is its file."""

    def __init__(self, configuration: Path, data: Path) -> None:
        self.configuration = configuration
        self.data = data
        self.port = 0
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address, as MONITOR_ALERTMANAGER_URLS takes it; known once it runs."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start it and return when it is ready; a later start uses the same port."""
        self.data.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or _free_port()
            if self._launch(port):
                self.port = port
                return self
        said = (self.data / "output.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"Alertmanager did not start: {said[-1500:]}")

    def stop(self) -> None:
        """Stop it in order: it writes down what it has notified."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, as SIGSTOP for one that is frozen."""
        assert self._child
        self._child.send(number)

    def kill(self) -> None:
        """End it at once, as a power cut would; its data stay."""
        assert self._child
        self._child.send(signal.SIGKILL)
        self._child.wait(30)
        self.stop()

    def forget(self) -> None:
        """Delete the data of one that does not run."""
        assert self._child is None
        shutil.rmtree(self.data)

    def get(self, path: str) -> Any:
        """What its API answers to GET, such as `/api/v2/alerts/groups`."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:  # noqa: S310  # loopback
            return json.load(answer)

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts that it holds as not resolved, by their label alert_id, but for the watchdog."""
        held = {each["labels"]["alert_id"]: each for each in self.get("/api/v2/alerts")}
        return {name: each for name, each in held.items() if name != WATCHDOG}

    def _launch(self, port: int) -> bool:
        program = _program()
        assert program
        command = [
            program,
            f"--config.file={self.configuration}",
            f"--storage.path={self.data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            f"--data.maintenance-interval={SNAPSHOT}",
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


class Inbox:
    """A webhook of Alertmanager's on a free port: who was told what, in the order in which it came."""

    def __init__(self) -> None:
        told = self.messages = list[dict[str, Any]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address, for `webhook_configs`."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def told(self, alert: str) -> list[str]:
        """What was told of an alert, by its label alert_id: firing or resolved, each with every message."""
        return [
            each["status"]
            for message in list(self.messages)
            for each in message["alerts"]
            if each["labels"].get("alert_id") == alert
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def check_configuration(path: Path) -> subprocess.CompletedProcess[str]:
    """What `amtool check-config` says of a file."""
    return subprocess.run(
        [require_amtool(), "check-config", str(path)], capture_output=True, text=True, check=False
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
