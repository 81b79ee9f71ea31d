"""`make stack`: start everything, show it, stop it."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click

from deploy.stack.stage import Plan, Stage, require_programs
from deploy.stack.view import Plain, Table, read
from monitor.errors import MonitorError, UsageProblem

POLL_S = 1.0
# Beside the state of a stack, so that no other folder is taken for one.
MARK = "stack"


@click.command()
@click.option(
    "--rate", type=click.FloatRange(min=0.1), default=100.0, show_default=True, help="Exchanges a second."
)
@click.option("--workers", type=click.IntRange(1, 8), default=2, show_default=True, help="How many.")
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), help="Stop by itself after so long. Default: at Ctrl-C."
)
@click.option("--plain", is_flag=True, help="A line at a time, as when the output is no terminal.")
@click.option("--free-ports", is_flag=True, help="Leave the usual ports alone, even those that are free.")
@click.option(
    "--scrape",
    type=click.FloatRange(min=0.5),
    help="Seconds between Prometheus's scrapes. Default: as deploy/prometheus has it.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep topics, tables, series and logs in this folder, and go on from there the next time.",
)
def stack(
    *,
    rate: float,
    workers: int,
    seconds: float | None,
    plain: bool,
    free_ports: bool,
    scrape: float | None,
    keep: Path | None,
) -> None:
    """Run the whole stack on this machine, with simulated exchanges and incidents.

    Starts Apache Kafka, PostgreSQL, Prometheus, Alertmanager, workers and the simulator, and Grafana where
    it is installed, all on the loopback address: each on its usual port where that is free. Shows where they
    are and whether they work together until Ctrl-C, then stops them in order. Ends when one of them does.
    Reads the registry (MONITOR_REGISTRY), MONITOR_RULES and MONITOR_TIMEZONE; other settings do not apply.
    Leaves nothing behind but what --keep names.

    Exit status: 0 stopped or time over, 1 when a part did not start or ended by itself, 2 wrong use.
    """
    from rich.console import Console

    console = Console()
    plan = Plan(rate, workers, free_ports, scrape)
    try:
        with _interruptible(), ExitStack() as parts:
            require_programs()
            folder = _folder(keep, parts)
            stage = Stage(folder, plan, parts, click.echo)
            parts.callback(click.echo, "Stopped.")
            try:
                stage.set_up()
                view = Plain(click.echo) if plain or not console.is_terminal else Table(console)
                view.introduce(stage)
                with view:
                    _watch(stage, view, time.monotonic() + seconds if seconds else float("inf"))
            finally:
                click.echo("Stopping …")
    except KeyboardInterrupt:
        pass  # told to stop, and stopped
    except MonitorError as problem:
        click.echo(f"Error: {problem}", err=True)
        sys.exit(2 if isinstance(problem, UsageProblem) else 1)
    if keep:
        click.echo(f"Kept in {keep}")


def _watch(stage: Stage, view: Plain | Table, ends: float) -> None:
    """Show the figures until the time (monotonic) is over. Raises MonitorError when a part has ended."""
    while time.monotonic() < ends:
        stage.check()
        view.show(stage, read(stage), time.monotonic())
        time.sleep(max(min(POLL_S, ends - time.monotonic()), 0))


def _folder(keep: Path | None, parts: ExitStack) -> Path:
    """The stack's folder: one that goes with it, or one that is kept."""
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="data-sharing-monitor-stack-"))
        parts.callback(shutil.rmtree, folder, ignore_errors=True)
    else:
        folder = keep.resolve()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()) and not (folder / MARK).exists():
                raise UsageProblem(
                    f"--keep {keep}: the folder holds something else; name a new one, or a stack's"
                )
            (folder / MARK).touch()
        except OSError as why:
            raise UsageProblem(f"--keep {keep}: {why.strerror}") from why
    # PostgreSQL runs as another user where this is run by root, and has its own folder in here.
    folder.chmod(0o711)
    return folder


@contextmanager
def _interruptible() -> Iterator[None]:
    """Make Ctrl-C and SIGTERM a KeyboardInterrupt, once: what is being stopped is not disturbed."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
