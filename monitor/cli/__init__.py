"""The `monitor` command: a group whose subcommands are declared as entry points and imported when used.

Exit status of every command: 0 done, 1 found problems, 2 wrong use (arguments or settings).
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points

import click

from monitor import __version__
from monitor.errors import MonitorError, UsageProblem

COMMANDS = "monitor.commands"


class LazyGroup(click.Group):
    """Commands named by entry points; a command's module is imported when it is run or its help is shown."""

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=COMMANDS)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._points()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        point = self._points().get(cmd_name)
        if point is None:
            return super().get_command(ctx, cmd_name)
        command = point.load()
        assert isinstance(command, click.Command), f"{point.value} is not a command"  # noqa: S101  # packaging error
        return command


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="monitor")
def cli() -> None:
    """Measures, judges and reports data sharing between government agencies.

    Settings come from MONITOR_* variables, .env and monitor.toml; `monitor doctor` checks them.
    """


def main() -> None:
    """Run the command line; expected errors become one sentence on standard error and an exit status."""
    try:
        status = cli.main(standalone_mode=False)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except UsageProblem as problem:
        click.echo(f"monitor: {problem}", err=True)
        sys.exit(2)
    except MonitorError as problem:
        click.echo(f"monitor: {problem}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)
