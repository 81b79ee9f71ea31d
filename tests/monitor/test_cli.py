"""The `monitor` command: its help, its exit status, and that it imports no more than it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from monitor import __version__
from monitor.cli import COMMANDS, LazyGroup, main
from monitor.errors import MonitorError, UsageProblem


def run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as people do."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=folder, env={**clean, **variables}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_imports_neither_faust_nor_a_kafka_client(tmp_path: Path) -> None:
    """A look at the help takes no second, and the domain needs no Kafka."""
    script = (
        "import sys; sys.argv = ['monitor', '--help']\n"
        "from monitor.cli import main\n"
        "try: main()\n"
        "except SystemExit as done: assert done.code == 0, done.code\n"
        "heavy = {'faust', 'aiokafka', 'kafka'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "registry" in done.stdout


@pytest.mark.parametrize("point", [point.name for point in entry_points(group=COMMANDS)])
def test_every_command_exists_and_has_help(point: str) -> None:
    """Of each that is declared: what it reads, writes and returns."""
    command = LazyGroup().get_command(click.Context(LazyGroup()), point)
    assert command is not None
    assert command.help


def test_the_version_is_the_program_s(tmp_path: Path) -> None:
    """Exit status 0."""
    done = run("--version", folder=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, f"monitor, version {__version__}")


WRONG = [["no-such-command"], ["--no-such-option"], ["registry", "no-such-command"], ["registry", "show"]]


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_arguments_are_wrong_use(tmp_path: Path, arguments: list[str]) -> None:
    """Status 2, a sentence on standard error, no traceback."""
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_wrong_use(tmp_path: Path) -> None:
    """Status 2, and the variable is named."""
    done = run("migrate", folder=tmp_path, MONITOR_WEB_PORT="x")
    assert done.returncode == 2
    assert "MONITOR_WEB_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_migrating_says_from_where_to_where(tmp_path: Path) -> None:
    """First it creates, then it has nothing to do."""
    first, second = run("migrate", folder=tmp_path), run("migrate", folder=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.startswith("schema none -> ")
    assert second.stdout.rstrip().endswith("(unchanged)")
    assert (tmp_path / "monitor.db").exists()


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (None, 0, ""),
        (MonitorError("the broker is away"), 1, "monitor: the broker is away"),
        (UsageProblem("MONITOR_X is wrong"), 2, "monitor: MONITOR_X is wrong"),
        (click.UsageError("no such option"), 2, "no such option"),
        (click.Abort(), 130, "Interrupted"),
        (KeyboardInterrupt(), 130, "Interrupted"),
    ],
)
def test_the_exit_status_says_what_kind_of_end_it_was(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException | None,
    status: int,
    said: str,
) -> None:
    """0 done, 1 something outside is wrong, 2 wrong use, 130 interrupted."""

    @click.command()
    def command() -> None:
        if raised is not None:
            raised.__traceback__ = None
            raise raised

    monkeypatch.setattr("monitor.cli.cli", command)
    monkeypatch.setattr(sys, "argv", ["monitor"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == status
    assert said in capsys.readouterr().err


def test_a_command_s_own_status_is_the_program_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ctx.exit(1)` in a command that found problems."""

    @click.command()
    @click.pass_context
    def command(ctx: click.Context) -> None:
        ctx.exit(1)

    monkeypatch.setattr("monitor.cli.cli", command)
    monkeypatch.setattr(sys, "argv", ["monitor"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
