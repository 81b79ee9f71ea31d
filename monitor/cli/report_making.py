"""What `monitor report` does once it knows what is asked for: makes, records, writes and notes reports."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from monitor.errors import MonitorError
from monitor.registry.registry import Registry
from monitor.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.reports.make import Order
    from monitor.reports.model import Report
    from monitor.reports.narrative import Written
    from monitor.reports.schedule.plan import Issue

SHOWN_CHANGES = 20
BAR_AFTER_S = 1.0  # what is done sooner needs no bar


def make_all(
    settings: Settings,
    registry: Registry,
    order: Order,
    formats: Sequence[str],
    out: Path,
    record: bool,
    scheduled: Issue | None,
) -> Iterator[Path]:
    """Make reports one after the other; yields the names of the files of each once they are there."""
    from monitor.reports import make
    from monitor.reports.gather.gathered import check_period, hours_to_read
    from monitor.reports.writers.place import check_folder

    now = datetime.now(UTC)
    desk = make.Desk.of(settings, registry)
    check_period(order.period, now, desk.terms)
    if scheduled is not None:
        order = _without_noted(settings, order, scheduled)
        if not order.wanted:
            return
    written = make.narratives(desk, order)
    check_folder(out)
    with (
        _ended_in_order(),
        database(settings, read_only=True) as engine,
        ExitStack() as while_reading,
    ):
        told = while_reading.enter_context(_bar(hours_to_read(order.period, desk.terms, now)))
        for each in make.reports(engine, desk, order, written, now, told):
            while_reading.close()
            if not record:
                yield from write_files(each[0], formats, out, settings)
            elif scheduled is None:
                yield from _record(settings, each, formats, out)[1]
            else:
                yield from _scheduled(settings, each, formats, out, scheduled)


def _record(
    settings: Settings, made: tuple[Report, Written], formats: Sequence[str], out: Path
) -> tuple[int, list[Path]]:
    """Record a report and write its files; return its number, and where they are."""
    from monitor.reports import make, runs

    with database(settings) as engine:
        (found,) = make.recorded(engine, [made])
        number = found.run
        assert number is not None  # noqa: S101  # just recorded
        try:
            return number, write_files(found, formats, out, settings)
        except BaseException:
            # A report whose files nobody has was not made.
            with engine.begin() as connection:
                runs.remove(connection, number)
            raise


def _without_noted(settings: Settings, order: Order, issue: Issue) -> Order:
    """The order without what the schedule has made before."""
    from monitor.reports.schedule.record import noted

    with database(settings, read_only=True) as engine, engine.connect() as connection:
        return replace(order, without=frozenset(noted(connection, order.period.key, issue)))


def _scheduled(
    settings: Settings, made: tuple[Report, Written], formats: Sequence[str], out: Path, issue: Issue
) -> list[Path]:
    """Write a report for the schedule, and then note it; nothing is written where nothing has changed."""
    from monitor.reports.schedule.again import since_first
    from monitor.reports.schedule.record import Made, note

    found, _ = made
    number, paths = None, list[Path]()
    changes = None
    if issue == "again":
        with database(settings, read_only=True) as engine, engine.connect() as connection:
            changes = found.reissue or since_first(connection, found)
    if changes is None or changes.changes:
        number, paths = _record(settings, made, formats, out)
        for change in () if changes is None else changes.changes[:SHOWN_CHANGES]:
            click.echo(f"{change.figure}\t{change.before}\t{change.now}")
    with database(settings) as engine, engine.begin() as connection:
        report = (found.agency, found.language)
        note(connection, found.period.key, issue, report, Made(datetime.now(UTC), number))
    return paths


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Within, SIGTERM ends the program as an exception does: what is half made is taken back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def write_files(found: Report, formats: Sequence[str], out: Path, settings: Settings) -> list[Path]:
    """Write a report in some formats; return where. Raises MonitorError, and then nothing is written."""
    from monitor.reports.texts import Texts
    from monitor.reports.writers.place import write_all

    return write_all(found, Texts(found.language, settings.zone), formats, out)


@contextmanager
def database(settings: Settings, *, read_only: bool = False) -> Iterator[Engine]:
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
