"""`monitor report`: makes the report that people sign, keeps a record of each, signs, lists and shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.report_making import SHOWN_CHANGES, database, make_all, write_files
from monitor.errors import UsageProblem
from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from monitor.reports.model import Report
    from monitor.reports.schedule.plan import Issue

_OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; made if absent."
)
_FORMAT = click.option("--format", "formats", metavar="FORMAT[,FORMAT]", help="Among the formats below.")


@click.group(invoke_without_command=True)
@click.option("--period", metavar="PERIOD", help="2026-10, 2026-Q4, 2026-W41 or 2026.")
@click.option(
    "--agency",
    "agencies",
    metavar="CODE[,CODE]",
    help="The score card of an agency; a former code will do. Besides codes: national, which is the default, "
    "and all, the score cards of all agencies.",
)
@click.option("--lang", "languages", metavar="vi|en|vi,en", default="vi", show_default=True)
@_FORMAT
@_OUT
@click.option(
    "--narrative",
    type=click.Path(path_type=Path),
    help="What people write: a file, or a folder [default: MONITOR_REPORT_NARRATIVES].",
)
@click.option("--issuer", metavar="OFFICE", help="The office or role that issues it; never a person.")
@click.option("--no-record", is_flag=True, help="Keep no record of this run: the database is only read.")
@click.option(
    "--scheduled",
    type=click.Choice(["first", "again"]),
    help="As the worker asks: note what is made, and leave out what was noted before, or, the second time, "
    "what has not changed.",
)
@click.pass_context
def report(
    ctx: click.Context,
    *,
    period: str | None,
    agencies: str | None,
    languages: str,
    formats: str | None,
    out: Path | None,
    narrative: Path | None,
    issuer: str | None,
    no_record: bool,
    scheduled: Issue | None,
) -> None:
    """Make the report on a period: national, or of agencies.

    Reads the registry, the database, and the files of MONITOR_DUTIES, MONITOR_CALENDAR and
    MONITOR_REPORT_RULES. Writes the files of a report in all formats, or none, prints their names, and keeps
    a record of each, so that one that is made again says what changed since the one that was signed.
    The ledger is read once for all reports that are asked for.
    A period that is still running gives a draft "to date".

    \b
    Formats: json; csv, an archive of tables for Excel; csv-plain, the same without byte order marks;
    and those that are installed besides.

    Exit status: 0 written, 1 nothing to report on or the folder or database cannot be used, 2 wrong use.
    """
    if ctx.invoked_subcommand is not None:
        if period is not None:
            raise UsageProblem(f"--period goes with making a report, not with {ctx.invoked_subcommand}")
        return
    if period is None or formats is None or out is None:
        raise click.UsageError("making a report needs --period, --format and --out")
    if scheduled is not None and no_record:
        raise click.UsageError("--scheduled notes what is made: it does not go with --no-record")
    settings = load_settings()
    from monitor.reports.make import Order, issuer_named
    from monitor.reports.period import Period
    from monitor.reports.wanted import agencies_named, languages_named

    wanted = Period.parse(period)
    registry = load_registry(settings.registry)
    order = Order(
        wanted,
        agencies_named(agencies or "national", registry, "--agency"),
        languages_named(languages),
        issuer_named(issuer),
        narrative,
    )
    for path in make_all(settings, registry, order, _formats(formats), out, not no_record, scheduled):
        click.echo(str(path))


@report.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_(limit: int) -> None:
    """List the reports that were made, the newest first.

    Reads the database and writes nothing. Columns: run, period, agency (or national), language, state, when
    it was made and signed (local time), the office.

    Exit status: 0 listed, 1 the database cannot be used, 2 wrong use.
    """
    from monitor.reports.runs import all_runs

    settings = load_settings()
    with database(settings, read_only=True) as engine, engine.connect() as connection:
        found = all_runs(connection, limit)
    rows = [
        (
            str(run.id),
            run.period,
            run.agency or "national",
            run.language,
            run.state,
            _local(run.made_at, settings),
            _local(run.signed_at, settings),
            run.signed_by or run.issuer or "",
        )
        for run in found
    ]
    if not rows:
        click.echo("No report was made yet.")
        return
    _print_table(("run", "period", "agency", "language", "state", "made", "signed", "office"), rows)


@report.command()
@click.argument("run", type=click.IntRange(1))
@click.option(
    "--issuer", metavar="OFFICE", required=True, help="The office or role that signs, never a person."
)
@_FORMAT
@_OUT
def sign(run: int, issuer: str, formats: str | None, out: Path | None) -> None:
    """Note that a report was signed: later ones on the same period say what changed since.

    Changes the state of run RUN in the database. With --format and --out, writes its files anew, which then
    say that they are signed; the figures are those of the record.

    Exit status: 0 signed, 1 the folder or database cannot be used, 2 wrong use: no such run, signed already,
    or made while its period was still running.
    """
    from monitor.reports import runs
    from monitor.reports.make import issuer_named
    from monitor.reports.writers.place import check_folder

    office = issuer_named(issuer)
    assert office is not None  # noqa: S101  # click requires it
    names = _both(formats, out)
    settings = load_settings()
    if out is not None:
        check_folder(out)
    with database(settings) as engine, engine.begin() as connection:
        signed = runs.sign(connection, run, office, datetime.now(UTC))
    click.echo(f"run {run} is signed by {office}")
    if out is not None:
        for path in write_files(signed, names, out, settings):
            click.echo(str(path))


@report.command()
@click.argument("run", type=click.IntRange(1))
@_FORMAT
@_OUT
def show(run: int, formats: str | None, out: Path | None) -> None:
    """Show a report that was made, from its record: its summary, and what changed since the signed one.

    Reads the database and writes nothing to it. With --format and --out, writes its files anew, with the
    figures of the record.

    Exit status: 0 shown, 1 the folder or database cannot be used, 2 wrong use or no such run.
    """
    from monitor.reports.runs import load
    from monitor.reports.texts import Texts

    names = _both(formats, out)
    settings = load_settings()
    with database(settings, read_only=True) as engine, engine.connect() as connection:
        _, found = load(connection, run)
    if out is not None:
        for path in write_files(found, names, out, settings):
            click.echo(str(path))
        return
    texts = Texts(found.language, settings.zone)
    for sentence in (*found.summary, *found.notes):
        click.echo(texts.of(sentence))
    if found.reissue is not None:
        _print_changes(found, texts)


def _formats(text: str) -> list[str]:
    from monitor.reports.writers import WRITERS

    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in WRITERS]
    if unknown or not names:
        raise UsageProblem(f"--format {text}: accepted are {', '.join(WRITERS)}")
    return names


def _both(formats: str | None, out: Path | None) -> list[str]:
    if (formats is None) != (out is None):
        raise click.UsageError("--format and --out go together")
    return [] if formats is None else _formats(formats)


def _print_changes(found: Report, texts: Any) -> None:
    reissue = found.reissue
    assert reissue is not None  # noqa: S101  # asked by the caller
    for reason in reissue.reasons:
        click.echo(texts(f"input.{reason}"))
    for change in reissue.changes[:SHOWN_CHANGES]:
        click.echo(f"{change.figure}\t{change.before}\t{change.now}")
    left = len(reissue.changes) - SHOWN_CHANGES + reissue.more
    if left > 0:
        click.echo(f"… {left}", err=True)


def _local(moment: datetime | None, settings: Settings) -> str:
    return "" if moment is None else f"{moment.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned in a terminal; in a pipe one line a run, fields separated by tabs."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        for row in (header, *rows):
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in header:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)
