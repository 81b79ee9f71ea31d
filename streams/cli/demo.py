"""`monitor demo`: everything on one machine, from broker to page, with its figures in the terminal."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import PREFIX, Settings, load_settings

HOST = "127.0.0.1"
USUAL_PORT = 6066
POLL_S = 1.0
PLAIN_S = 5.0  # a line as often as this leaves a readable log
START_S = 60.0  # a worker takes 4 s; a machine under load has needed 20
LAST_LINES = 20
# More is wrong than in life, so that every table of the page fills within a minute.
SHARES = {
    "breach": 0.03,
    "fault": 0.015,
    "denied": 0.008,
    "timeout": 0.006,
    "malformed": 0.004,
    "late": 0.003,
}
DOSSIERS = "0.02"  # for each exchange: two dozen steps a minute are a table of agencies within a few
# What happens in the first minutes, so that alerts open while somebody watches; later incidents by chance.
INCIDENTS = ("stuffing@15s", "bulk@30s", "enumeration@45s", "leak@60s", "tampering@2m", "watched@3m")

Say = Callable[[str], None]


@click.command()
@click.option(
    "--rate", type=click.FloatRange(min=0.1), default=200.0, show_default=True, help="Events a second."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), help="Stop by itself after so long. Default: at Ctrl-C."
)
@click.option("--plain", is_flag=True, help=f"A line every {PLAIN_S:g} s, as when the output is no terminal.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the page and /metrics. Default: {USUAL_PORT}, or a free one if that is taken.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave the database, the groups of procedures and the logs in this folder, new or empty.",
)
def demo(*, rate: float, seconds: float | None, plain: bool, port: int | None, keep: Path | None) -> None:
    """Run the whole monitor on this machine, with simulated exchanges.

    Starts the embedded broker, a worker on SQLite and the simulator, each on free ports of this machine
    only, and shows the worker's figures and the addresses of its page until Ctrl-C. In the first three
    minutes a few incidents happen, so that alerts open. Reads the registry (MONITOR_REGISTRY) and
    MONITOR_TIMEZONE; other settings do not apply. Leaves nothing behind.

    Exit status: 0 stopped or time over, 1 when a part did not start or ended by itself, 2 wrong use.
    """
    from rich.console import Console

    from streams.cli.demo_view import Plain, Table

    console = Console()
    with _stopping() as stop, ExitStack() as parts:
        folder = _folder(keep, parts)
        stage = _Stage(folder, parts, stop, click.echo)
        settings = stage.set_up(rate, _choose_port(port))
        view = Plain(click.echo, PLAIN_S) if plain or not console.is_terminal else Table(console)
        with view:
            ends = time.monotonic() + seconds if seconds else float("inf")
            while not stop.is_set() and time.monotonic() < ends:
                stage.check()
                view.show(stage.figures(settings), f"http://{HOST}:{settings.web_port}", time.monotonic())
                stop.wait(min(POLL_S, max(ends - time.monotonic(), 0)))
        click.echo("Stopping.")
    if keep:
        click.echo(f"Database and logs: {keep}")


class _Stage:
    """The parts of the demo: started in order, watched, and stopped in reverse by `parts`."""

    def __init__(self, folder: Path, parts: ExitStack, stop: threading.Event, say: Say) -> None:
        self._folder = folder
        self._parts = parts
        self._stop = stop
        self._say = say
        self._running: list[tuple[str, Callable[[], int | None]]] = []

    def set_up(self, rate: float, port: int) -> Settings:
        """Start everything and return when the worker answers, or when it was told to stop."""
        from monitor.simulation import SIMULATED_GROUPS
        from monitor.storage.engine import open_engine
        from monitor.storage.schema import migrate
        from streams.embedded import EmbeddedBroker

        own = _isolated(self._folder, port)
        # Beside the database, for reports that are made from it later.
        own["service_quality"] = self._folder / SIMULATED_GROUPS.name
        shutil.copyfile(SIMULATED_GROUPS, own["service_quality"])
        self._say("Starting the broker, the database, the worker and the simulator …")
        broker = self._parts.enter_context(EmbeddedBroker(log=self._log("broker")))
        self._running.append(("broker", lambda: None if broker.pid else 1))
        own["kafka_bootstrap"] = broker.bootstrap
        settings = Settings.model_construct(**own)  # the defaults and these: no file, no variable
        _create_topics(settings)
        engine = open_engine(settings.sqlalchemy_url)
        migrate(engine)
        engine.dispose()
        environment = {f"{PREFIX}{name}".upper(): str(value) for name, value in own.items()}
        # Rules tell people apart by pseudonyms made with a key; that of a demo is nobody's secret for long.
        environment[f"{PREFIX}PSEUDONYM_KEY"] = secrets.token_hex()
        self._start("worker", environment, "worker")
        self._await_ready(settings)
        # Only now: what is sent before would be old when it is counted, and the event age would show that.
        shares = [text for name, share in SHARES.items() for text in (f"--{name}", str(share))]
        if not self._stop.is_set():
            incidents = [text for incident in INCIDENTS for text in ("--incident", incident)]
            others = ["--rate", str(rate), "--dossier-share", DOSSIERS]
            self._start("simulator", environment, "simulate", *others, *shares, *incidents)
        return settings

    def _await_ready(self, settings: Settings) -> None:
        deadline = time.monotonic() + START_S
        while not self._stop.is_set() and not _get(settings, "/readyz"):
            self.check()
            if time.monotonic() > deadline:
                raise MonitorError(f"the worker was not ready within {START_S:g} s:\n{self._end('worker')}")
            self._stop.wait(0.1)

    def check(self) -> None:
        """Raise MonitorError with the end of its log when a part has ended."""
        for name, status in self._running:
            ended = status()
            if ended is not None:
                raise MonitorError(f"the {name} ended (exit status {ended}):\n{self._end(name)}")

    def figures(self, settings: Settings) -> dict[str, Any] | None:
        """The overview's document; None while the worker does not answer."""
        import msgspec

        body = _get(settings, "/api/overview")
        return msgspec.json.decode(body, type=dict[str, Any]) if body else None

    def _start(self, name: str, environment: dict[str, str], *arguments: str) -> None:
        from streams.child import Child

        # `env` takes this shell's own settings away, and the folder has no .env and no monitor.toml.
        unset = [text for variable in os.environ if variable.startswith(PREFIX) for text in ("-u", variable)]
        set_ = [f"{variable}={value}" for variable, value in environment.items()]
        command = ["env", *unset, *set_, sys.executable, "-m", "monitor", *arguments]
        with self._log(name).open("wb") as log:
            child = self._parts.enter_context(Child(command, log, cwd=self._folder))
        self._running.append((name, lambda: child.status))

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _end(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LAST_LINES:]) or "  (it wrote nothing)"


def _isolated(folder: Path, port: int) -> dict[str, Any]:
    """The demo's settings: the registry and the zone are the user's, everything else is its own."""
    users = load_settings()
    if not users.registry.is_dir():
        raise UsageProblem(
            f"MONITOR_REGISTRY: there is no folder {users.registry}; run this in the project's folder, "
            "or name a folder of agencies, services and agreements"
        )
    return {
        "kafka_profile": "embedded",
        "database_url": f"sqlite:///{folder / 'monitor.db'}",
        "registry": users.registry.resolve(),
        "timezone": users.timezone,
        "web_host": HOST,
        "web_port": port,
    }


def _create_topics(settings: Settings) -> None:
    from streams.administration import Administration, kafka_problems
    from streams.topics import planned

    with kafka_problems(settings), Administration(settings) as broker:
        outcomes = broker.create(planned(settings.topic_prefix))
    if failed := [f"{name}: {why}" for name, why in outcomes.items() if why]:
        raise MonitorError("could not create every topic\n  " + "\n  ".join(failed))


def _get(settings: Settings, path: str) -> bytes | None:
    """What the worker answers; None when it does not, or not with 200. A proxy is never asked."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(settings.web_host, settings.web_port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _folder(keep: Path | None, parts: ExitStack) -> Path:
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="data-sharing-monitor-demo-"))
        parts.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder
    try:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            # The broker keeps nothing: an older database would have read what no longer exists.
            raise UsageProblem(f"--keep {keep}: the folder is not empty; name a new one")
    except OSError as why:
        raise UsageProblem(f"--keep {keep}: {why.strerror}") from why
    return keep.resolve()


def _choose_port(wanted: int | None) -> int:
    """The port asked for; without one the usual port if it is free, and any free one for 0 or else."""
    for port in (wanted,) if wanted else (USUAL_PORT, 0) if wanted is None else (0,):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise UsageProblem(f"--port {wanted}: taken by another program; 0 chooses a free one")


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the former handlers come back afterwards."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
