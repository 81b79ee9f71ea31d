"""The probe: whether the worker of the settings is ready, as an exit status and a line."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from monitor.web import probe
from monitor.web.probe import ready


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """A server that gives one answer to /readyz; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_ready_worker_is_well() -> None:
    """Also when the settings say that it listens everywhere."""
    with answering(200, b"ready\n") as port:
        assert ready("127.0.0.1", port) == (True, "ready")
        assert ready("0.0.0.0", port) == (True, "ready")  # noqa: S104  # looked up, not listened on


def test_the_reason_why_not_is_passed_on() -> None:
    """For whoever looks at `docker inspect`."""
    with answering(503, b"2 partitions not open yet\n") as port:
        assert ready("127.0.0.1", port) == (False, "2 partitions not open yet")


def test_nobody_there_is_not_ready() -> None:
    """Neither is what takes the connection and says nothing, or something else."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert not ready("127.0.0.1", port, patience=0.1)[0]
    well, said = ready("127.0.0.1", port, patience=1)
    assert not well
    assert f"127.0.0.1:{port}" in said
    assert not ready("no-such-host.invalid", port, patience=1)[0]


def test_an_answer_that_is_no_http_is_not_ready() -> None:
    """Another program may have the port."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def babble() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        assert not ready("127.0.0.1", other.getsockname()[1], patience=5)[0]
        thread.join()


def test_its_exit_status_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 ready, 1 not, 2 wrong settings; the address is that of the settings."""
    with answering(200, b"ready\n") as port:
        monkeypatch.setenv("MONITOR_WEB_PORT", str(port))
        ran = subprocess.run(
            [sys.executable, "-m", "monitor.web.probe"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (ran.returncode, ran.stdout) == (0, "ready\n")
    assert probe.main() == 1
    monkeypatch.setenv("MONITOR_WEB_PORT", "everywhere")
    assert probe.main() == 2
