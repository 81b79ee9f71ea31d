"""`monitor report`: makes the report that people sign, keeps a record of each, signs, lists and shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.errors import MonitorError, UsageProblem
from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.reports.figures import Language
    from monitor.reports.model import Report
    from monitor.reports.period import Period

SHOWN_CHANGES = 20
BAR_AFTER_S = 1.0  # what is done sooner needs no bar
_OUT = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to; made if absent."
)
_FORMAT = click.option("--format", "formats", metavar="FORMAT[,FORMAT]", help="Among the formats below.")


@click.group(invoke_without_command=True)
@click.option("--period", metavar="PERIOD", help="2026-10, 2026-Q4, 2026-W41 or 2026.")
@click.option("--agency", metavar="CODE", help="The score card of one agency; a former code will do.")
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
@_FORMAT
@_OUT
@click.option(
    "--narrative",
    type=click.Path(path_type=Path),
    help="What people write: a file, or a folder [default: MONITOR_REPORT_NARRATIVES].",
)
@click.option("--issuer", metavar="OFFICE", help="The office or role that issues it; never a person.")
@click.option("--no-record", is_flag=True, help="Keep no record of this run: the database is only read.")
@click.pass_context
def report(
    ctx: click.Context,
    *,
    period: str | None,
    agency: str | None,
    lang: Language,
    formats: str | None,
    out: Path | None,
    narrative: Path | None,
    issuer: str | None,
    no_record: bool,
) -> None:
    """Make the report on a period: national, or of one agency.

    Reads the registry, the database, and the files of MONITOR_DUTIES, MONITOR_CALENDAR and
    MONITOR_REPORT_RULES. Writes the files of all formats, or none, prints their names, and keeps a record of
    the run, so that a report that is made again says what changed since the one that was signed.
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
    settings = load_settings()
    from monitor.reports.period import Period

    wanted = Period.parse(period)
    for path in _make(
        settings, wanted, agency, lang, _formats(formats), out, narrative, issuer, not no_record
    ):
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
    with _engine(settings, read_only=True) as engine, engine.connect() as connection:
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
    with _engine(settings) as engine, engine.begin() as connection:
        signed = runs.sign(connection, run, office, datetime.now(UTC))
    click.echo(f"run {run} is signed by {office}")
    if out is not None:
        for path in _write(signed, names, out, settings):
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
    with _engine(settings, read_only=True) as engine, engine.connect() as connection:
        _, found = load(connection, run)
    if out is not None:
        for path in _write(found, names, out, settings):
            click.echo(str(path))
        return
    texts = Texts(found.language, settings.zone)
    for sentence in (*found.summary, *found.notes):
        click.echo(texts.of(sentence))
    if found.reissue is not None:
        _print_changes(found, texts)


def _make(
    settings: Settings,
    period: Period,
    agency: str | None,
    language: Language,
    formats: Sequence[str],
    out: Path,
    narrative: Path | None,
    issuer: str | None,
    record: bool,
) -> list[Path]:
    from monitor.reports import make, runs
    from monitor.reports.gather.gathered import check_period, hours_to_read
    from monitor.reports.writers.place import check_folder

    registry = load_registry(settings.registry)
    code = None
    if agency is not None:
        known = registry.agency(agency)
        if known is None:
            raise UsageProblem(f"--agency {agency}: no agency of the registry has that code")
        code = known.code
    now = datetime.now(UTC)
    desk = make.Desk.of(settings, registry)
    check_period(period, now, desk.terms)
    order = make.Order(period, (code,), (language,), make.issuer_named(issuer), narrative)
    written = make.narratives(desk, order)
    check_folder(out)
    with _engine(settings, read_only=True) as engine, _bar(hours_to_read(period, desk.terms, now)) as told:
        made = list(make.reports(engine, desk, order, written, now, told))
    if not record:
        return [path for found, _ in made for path in _write(found, formats, out, settings)]
    with _engine(settings) as engine:
        found = make.recorded(engine, made)
        try:
            return [path for each in found for path in _write(each, formats, out, settings)]
        except BaseException:
            # A report whose files nobody has was not made.
            with engine.begin() as connection:
                for each in found:
                    assert each.run is not None  # noqa: S101  # just recorded
                    runs.remove(connection, each.run)
            raise


def _write(found: Report, formats: Sequence[str], out: Path, settings: Settings) -> list[Path]:
    from monitor.reports.texts import Texts
    from monitor.reports.writers.place import write_all

    return write_all(found, Texts(found.language, settings.zone), formats, out)


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


@contextmanager
def _engine(settings: Settings, *, read_only: bool = False) -> Iterator[Engine]:
    """The database, at this program's schema. Raises MonitorError for whatever is wrong with it."""
    from sqlalchemy.exc import DBAPIError

    from monitor.storage.engine import open_engine
    from monitor.storage.schema import check_schema

    url = settings.sqlalchemy_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise MonitorError(f"there is no database {url.database}: `monitor migrate` makes it")
    engine = open_engine(url, read_only=read_only)
    try:
        check_schema(engine)
        yield engine
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().splitlines()[0]}") from why
    finally:
        engine.dispose()


@contextmanager
def _bar(hours: int) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on a terminal, once it takes longer than BAR_AFTER_S."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=console, transient=True
    )
    task = progress.add_task("reading the ledger", total=hours)
    began = time.monotonic()

    def told(read: int) -> None:
        progress.advance(task, read)
        if not progress.live.is_started and time.monotonic() - began >= BAR_AFTER_S:
            progress.start()

    try:
        yield told
    finally:
        progress.stop()


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
