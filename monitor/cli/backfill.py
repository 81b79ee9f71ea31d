"""`monitor backfill`: count history files into the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.moments import point_in_time
from monitor.errors import UsageProblem
from monitor.registry.drafts import printable
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from monitor.backfill.jobs import Told
    from monitor.backfill.run import Outcome

KINDS = ("exchanges", "security-events", "xroad-records")
# What is older is no history but a clock that was never set; agreements are not that old either.
OLDEST_DAYS, MOST_DAYS = 3650, 18_250
_SECOND = 1.0


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--kind", type=click.Choice(KINDS), help="What is in them; by default told by their first lines."
)
@click.option("--since", metavar="TIME", help="Leave out what is earlier: 2026-01-01, 2026-01-01T08:00, 90d.")
@click.option(
    "--until", metavar="TIME", help="Leave out what is from then on, e.g. the start of live counting."
)
@click.option("--allow-overlap", is_flag=True, help="Count hours that a live topic has counted, too.")
@click.option(
    "--max-age",
    type=click.IntRange(1, MOST_DAYS),
    default=OLDEST_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Reject what is older.",
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for what is rejected, one .rejected.ndjson a file; it may be personal data.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Files at a time.")
@click.option("--list", "list_", is_flag=True, help="List the files that were counted, and count none.")
@click.option("--undo", metavar="ID", help="Take a file's figures back out: everything counted from it.")
@click.option("--yes", is_flag=True, help="With --undo: do not ask.")
@click.pass_context
def backfill(
    ctx: click.Context,
    *,
    files: tuple[Path, ...],
    kind: str | None,
    since: str | None,
    until: str | None,
    allow_overlap: bool,
    max_age: int,
    rejects: Path | None,
    jobs: int,
    list_: bool,
    undo: str | None,
    yes: bool,
) -> None:
    """Count exchanges, security events or X-Road records from files: NDJSON, JSON, or either with gzip.

    Reads the files and the registry, and writes the database that workers write: cells, findings, events.
    A file is known by what it holds: a second run adds nothing, an interrupted one goes on where its last
    transaction ended, and a file that grew is counted from there. Rules do not run over history, and no
    alert is raised. Stops before hours that a live topic has counted: --until or --allow-overlap decides.

    Exit status: 0 all was counted, 1 lines were rejected or a file was not read to its end, 2 wrong use.
    """
    settings = load_settings()
    if list_ or undo is not None:
        if files:
            raise UsageProblem("--list and --undo take no FILE")
        _list(settings) if undo is None else _undo(settings, undo, yes)
        return
    if not files:
        raise UsageProblem("name at least one FILE")
    from monitor.backfill.arrival import Window
    from monitor.backfill.jobs import Plan, outcomes
    from monitor.backfill.run import Wishes

    now = datetime.now(UTC)
    window = Window(*(point_in_time(text, now, settings.zone) if text else None for text in (since, until)))
    if window.since and window.until and window.since >= window.until:
        raise UsageProblem("--since is not before --until: nothing would be counted")
    wishes = Wishes(kind, window, allow_overlap, rejects)
    began, done = time.monotonic(), []
    with _progress(files) as told:
        for outcome in outcomes(Plan(files, wishes, settings, timedelta(days=max_age), jobs), told):
            done.append(outcome)
            _print(outcome, settings)
    _print_total(done, time.monotonic() - began)
    ctx.exit(1 if any(outcome.problems or outcome.rejected for outcome in done) else 0)


@contextmanager
def _progress(files: tuple[Path, ...]) -> Iterator[Told]:
    """A bar over the bytes of all files, on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _index, _read, _records: None
        return
    sizes = [path.stat().st_size if path.is_file() else 0 for path in files]
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,} lines, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    began = time.monotonic()
    task = progress.add_task("counting", total=sum(sizes) or None, lines=0, rate=0.0)
    read, lines = dict.fromkeys(range(len(files)), 0), dict.fromkeys(range(len(files)), 0)

    def told(index: int, so_far: int, records: int) -> None:
        read[index], lines[index] = so_far, records
        total = sum(lines.values())
        seconds = max(time.monotonic() - began, _SECOND)
        progress.update(task, completed=sum(read.values()), lines=total, rate=total / seconds)

    with progress:
        yield told


def _print(outcome: Outcome, settings: Settings) -> None:
    name = printable(str(outcome.path))
    if outcome.topic:
        guess = " (told by its first lines; --kind says otherwise)" if outcome.guessed else ""
        click.echo(f"{name}: {outcome.kind}{guess}, {outcome.topic}")
        if outcome.before:
            click.echo(f"  {outcome.before:,} lines were counted before")
        if not outcome.records:
            click.echo("  nothing to add")
        else:
            click.echo(f"  {_figures(outcome)}")
        if outcome.hours:
            first, last = (datetime.fromtimestamp(of(outcome.hours), settings.zone) for of in (min, max))
            hours = f"{len(outcome.hours):,} hour{'s' * (len(outcome.hours) > 1)}"
            click.echo(f"  {hours} touched, from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}")
    for reason, count in sorted(outcome.rejected.items()):
        click.echo(f"{name}: {count:,} rejected: {reason}", err=True)
    for line, rejection in outcome.first_rejected:
        click.echo(f"{name}: line {line}: {rejection.reason}: {printable(rejection.detail)}", err=True)
    if sum(outcome.rejected.values()) > len(outcome.first_rejected):
        where = outcome.rejects or "--rejects FOLDER keeps them"
        click.echo(f"{name}: the first {len(outcome.first_rejected)} are shown; all: {where}", err=True)
    for problem in outcome.problems:
        click.echo(f"{name}: {printable(problem)}", err=True)


def _figures(outcome: Outcome) -> str:
    what = "calls counted" if outcome.kind == "xroad-records" else "counted"
    parts = [f"{outcome.records:,} lines: {outcome.counted:,} {what}"]
    parts += [f"{outcome.alone:,} of them seen from one side"] * bool(outcome.alone)
    parts += [f"{outcome.completed:,} completed by their other half"] * bool(outcome.completed)
    parts += [f"{outcome.duplicates:,} came again"] * bool(outcome.duplicates)
    rejected = sum(outcome.rejected.values())
    parts += [f"{rejected:,} rejected"] * bool(rejected)
    parts += [f"{outcome.left_out:,} left out"] * bool(outcome.left_out)
    return ", ".join(parts)


def _print_total(done: list[Outcome], seconds: float) -> None:
    lines = sum(outcome.records for outcome in done)
    counted = sum(outcome.counted for outcome in done)
    if lines:
        rate = lines / max(seconds, 0.001)
        # Two halves are one call: the one number is no part of the other.
        calls = any(outcome.kind == "xroad-records" for outcome in done)
        told = f"{lines:,} lines read" if calls else f"{counted:,} of {lines:,} lines counted"
        click.echo(f"{told} in {seconds:.1f} s, {rate:,.0f} lines/s")


def _list(settings: Settings) -> None:
    from monitor.backfill.identity import known_files
    from monitor.backfill.session import database

    with database(settings) as engine:
        files = known_files(engine)
    for known in files:
        left_out = f", {known.left_out:,} left out" if known.left_out else ""
        name = printable(known.name)
        click.echo(f"{known.topic}  {known.kind}  {known.next_offset:,} lines{left_out}  {name}")
    if not files:
        click.echo("No history file was counted.")


def _undo(settings: Settings, topic: str, yes: bool) -> None:
    from monitor.backfill.session import database
    from monitor.backfill.undo import take_back

    if not yes:
        click.confirm(
            f"Take everything that was counted from {printable(topic)} out of the ledger?", abort=True
        )
    with database(settings) as engine:
        known = take_back(engine, topic)
    click.echo(f"{printable(known.name)}: {known.next_offset:,} lines were taken back")
