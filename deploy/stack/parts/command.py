"""A command of the monitor: run to its end, or kept running as a worker or a simulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.stack.parts.part import answer, end_of
from deploy.stack.parts.ports import HOST, free_port
from monitor.errors import MonitorError
from monitor.settings import PREFIX
from streams.child import Child

READY_SECONDS = 90.0  # a worker takes 4 s, or 20 on a busy machine
# A graceful stop commits what it has, for ten seconds at the most.
STOP_SECONDS = 15.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings, by their names without MONITOR_, and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {f"{PREFIX}{name}".upper(): value for name, value in settings.items()}


def run(folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
    """Run `monitor ARGUMENTS` in a folder that has no settings of its own. Raises MonitorError."""
    done = subprocess.run(  # noqa: S603  # this Python
        [sys.executable, "-m", "monitor", *arguments],
        cwd=folder,
        env=environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise MonitorError(f"monitor {' '.join(arguments)} ended (exit status {done.returncode}):\n{said}")


class Running:
    """`monitor ARGUMENTS` as a child: its output in a file, stopped in order."""

    def __init__(self, name: str, folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
        self.name = name
        self.log = folder / f"{name.replace(' ', '-')}.log"
        self._folder = folder
        self._settings = dict(settings)
        self._arguments = arguments
        self._child: Child | None = None

    @property
    def address(self) -> str:
        """A program that is not reached, but reaches others, has none."""
        return ""

    @property
    def pid(self) -> int | None:
        """Its process id; None where it does not run."""
        return None if self._child is None else self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, and before."""
        return None if self._child is None else self._child.status

    def start(self) -> Self:
        """Start it."""
        # `env` gives the settings: a child has its parent's environment otherwise, with settings of a shell.
        unset = [text for name in os.environ if name.startswith(PREFIX) for text in ("-u", name)]
        set_ = [f"{PREFIX}{name}".upper() + f"={value}" for name, value in self._settings.items()]
        command = ["env", *unset, *set_, sys.executable, "-m", "monitor", *self._arguments]
        with self.log.open("ab") as log:
            self._child = Child(command, log, cwd=self._folder)
        return self

    def tell_to_stop(self) -> None:
        """Tell it to stop without waiting, so that several stop at the same time."""
        if self._child is not None and self._child.status is None:
            self._child.send(signal.SIGTERM)

    def stop(self) -> None:
        """Stop it in order; stopping twice is no error."""
        if self._child is not None:
            self._child.stop(STOP_SECONDS)
            self._child = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Worker(Running):
    """`monitor worker`, with its page and metrics on a port."""

    def __init__(self, name: str, folder: Path, settings: Mapping[str, str], port: int = 0) -> None:
        self.port = port or free_port()
        web = {"web_host": HOST, "web_port": str(self.port)}
        super().__init__(name, folder, {**settings, **web}, "worker")

    @property
    def target(self) -> str:
        """Host and port, as Prometheus is told them."""
        return f"{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """Its overview page."""
        return f"http://{self.target}/"

    def get(self, path: str) -> bytes | None:
        """What it answers; None where it does not, or not with 200."""
        return answer(self.target, path)

    def await_ready(self) -> None:
        """Return when it has partitions and counts. Raises MonitorError with the end of its log."""
        deadline = time.monotonic() + READY_SECONDS
        while self.get("/readyz") is None:
            if self.status is not None or time.monotonic() > deadline:
                raise MonitorError(f"{self.name} was not ready:\n{end_of(self.log)}")
            time.sleep(0.1)
