"""What every part of a stack can do, and what those have in common that answer HTTP."""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol, Self

from deploy.stack.parts.ports import HOST, free_port
from monitor.errors import MonitorError
from streams.child import Child

ATTEMPTS = 3  # a port that was free a moment ago can be taken by the time it is bound
LAST_CHARACTERS = 1500  # of what a program said before it ended


class Missing(MonitorError):
    """A program that is not installed; the message says how to have it."""


class Part(AbstractContextManager[object], Protocol):
    """One running program of a stack."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    @property
    def address(self) -> str:
        """Where it is reached, as its users write it."""

    @property
    def pid(self) -> int | None:
        """Its process id; None where it does not run."""

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""


def answer(address: str, path: str, seconds: float = 5.0) -> bytes | None:
    """What `host:port` answers to GET; None when it does not, or not with 200. A proxy is never asked."""
    connection = HTTPConnection(address, timeout=seconds)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        return found.read() if found.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def end_of(log: Path) -> str:
    """The end of what a program wrote."""
    try:
        said = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        said = ""
    return said[-LAST_CHARACTERS:].strip() or "it said nothing"


class WebProgram(ABC):
    """A program with a data folder and one port, on which it says by itself whether it is ready."""

    name: ClassVar[str]
    ready_path: ClassVar[str] = "/-/ready"
    start_seconds: ClassVar[float] = 60.0

    def __init__(self, data: Path, port: int = 0) -> None:
        self.data = data
        self.port = port
        self._child: Child | None = None

    @abstractmethod
    def command(self, port: int) -> Sequence[str]:
        """What to run to have it on a port. Raises Missing."""

    @property
    def url(self) -> str:
        """Its address; known once it runs."""
        return f"http://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Its address, as a browser opens it."""
        return f"{self.url}/"

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.data / "output.log"

    @property
    def pid(self) -> int | None:
        """Its process id; None where it does not run."""
        return None if self._child is None else self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, and before."""
        return None if self._child is None else self._child.status

    def start(self) -> Self:
        """Start it and return when it is ready; a later start uses the same port and data.

        Raises MonitorError with the end of its output, Missing where it is not installed.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or free_port()
            if self._launch(port):
                self.port = port
                return self
        raise MonitorError(f"{self.name} did not start: {end_of(self.log)}")

    def stop(self) -> None:
        """Stop it in order; stopping twice is no error."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, as SIGSTOP for one that is frozen."""
        assert self._child, f"{self.name} does not run"  # noqa: S101  # a mistake of the caller
        self._child.send(number)

    def kill(self) -> None:
        """End it at once, as a power cut would; its data stay."""
        assert self._child, f"{self.name} does not run"  # noqa: S101  # a mistake of the caller
        self._child.send(signal.SIGKILL)
        self._child.wait(30)
        self.stop()

    def _launch(self, port: int) -> bool:
        command = self.command(port)
        with self.log.open("ab") as log:
            self._child = Child(command, log, cwd=self.data)
        deadline = time.monotonic() + self.start_seconds
        ready = False
        try:
            while not ready and time.monotonic() < deadline and self._child.status is None:
                ready = answer(f"{HOST}:{port}", self.ready_path) is not None
                if not ready:
                    time.sleep(0.05)
            return ready
        finally:
            if not ready:  # also when Ctrl-C came meanwhile
                self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
