"""`monitor duties`: what each agency must do by when, and what is overdue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from monitor.cli.moments import point_in_time
from monitor.errors import MonitorError, UsageProblem
from monitor.registry.drafts import printable
from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from monitor.duties.assess import Assessment
    from monitor.duties.item import DutyItem
    from monitor.registry.registry import Registry

DEFAULT_LIMIT = 50
_COLUMNS = ("AGENCY", "DUTY", "SUBJECT", "LAST DAY", "DAYS LEFT", "STANDING")


@click.group()
def duties() -> None:
    """Duties of agencies: to connect, keep data fresh, review, renew, and answer in time."""


@duties.command("list")
@click.option("--agency", metavar="CODE", help="Only those of one agency, by its present or a former code.")
@click.option("--overdue", is_flag=True, help="Only those that are overdue.")
@click.option("--at", metavar="TIME", help="As it was then: 2026-10-05, 2026-10-05T08:00, 3h or 2d ago.")
@click.option(
    "--limit", type=click.IntRange(0), default=DEFAULT_LIMIT, show_default=True, help="So many; 0 for all."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def list_(
    ctx: click.Context, *, agency: str | None, overdue: bool, at: str | None, limit: int, form: str
) -> None:
    """List duties that are open, those due first before the others.

    Reads the registry, the database, and the files of MONITOR_DUTIES and MONITOR_CALENDAR; writes nothing.
    DAYS LEFT counts from today to the last day on which it is in time, in working days (wd) for answers.
    With --format json, one object a line. With --at, the registry is as it is now.

    Exit status: 0 listed, 1 some of those listed are overdue (or no database), 2 wrong use.
    """
    settings = load_settings()
    registry = load_registry(settings.registry)
    code = None
    if agency is not None:
        known = registry.agency(agency)
        if known is None:
            raise UsageProblem(f"--agency {agency}: no agency of the registry has that code")
        code = known.code
    now = datetime.now(UTC)
    if at is not None:
        now = point_in_time(at, now, settings.zone).astimezone(UTC)
    assessed = _assess(settings, registry, now)
    found = [one for one in assessed.items if not one.done and (one.overdue or not overdue)]
    found = [one for one in found if code in (None, one.agency)]
    far = datetime.max.replace(tzinfo=UTC)
    found.sort(key=lambda one: (one.due or far, one.agency, one.duty, one.subject))
    shown = found[:limit] if limit else found
    if form == "json":
        for one in shown:
            click.echo(json.dumps(_as_object(one, settings.zone), ensure_ascii=False))
    elif shown:
        _print_table([_row(one, settings.zone) for one in shown])
    else:
        click.echo("No duty is overdue." if overdue else "No duties.")
    if len(shown) < len(found):
        click.echo(f"The first {len(shown)} of {len(found)}; --limit 0 lists all.", err=True)
    if assessed.unread:
        click.echo(f"{assessed.unread} lifecycle events, the oldest, were not read: too many.", err=True)
    ctx.exit(1 if any(one.overdue for one in shown) else 0)


def _assess(settings: Settings, registry: Registry, now: datetime) -> Assessment:
    from sqlalchemy.exc import DBAPIError

    from monitor.calendar.working import working_days
    from monitor.duties.assess import Terms, assess
    from monitor.duties.rules import read_rules
    from monitor.storage.engine import open_engine
    from monitor.storage.schema import check_schema

    terms = Terms(registry, read_rules(settings.duties), working_days(settings), settings.zone)
    url = settings.sqlalchemy_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise MonitorError(f"there is no database {url.database}: `monitor migrate` makes it")
    engine = open_engine(url, read_only=True)
    try:
        check_schema(engine)
        with engine.connect() as connection:
            return assess(connection, terms, now)
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().splitlines()[0]}") from why
    finally:
        engine.dispose()


def _as_object(one: DutyItem, zone: ZoneInfo) -> dict[str, object]:
    return {
        "agency": one.agency,
        "duty": one.duty,
        "subject": one.subject,
        "due": None if one.due is None else one.due.astimezone(zone).isoformat(),
        "overdue": one.overdue,
        "days_left": one.days_left,
        "working_days": one.working,
        "level": one.level,
    }


def _row(one: DutyItem, zone: ZoneInfo) -> tuple[str, ...]:
    from monitor.duties.item import last_day

    left = "" if one.days_left is None else f"{one.days_left}{' wd' if one.working else ''}"
    if one.overdue:
        standing = "overdue"
    elif one.level:
        standing = f"within {one.level} days"
    else:
        standing = "unknown" if one.due is None else "open"
    day = "" if one.due is None else str(last_day(one.due, zone))
    return one.agency, one.duty, printable(one.subject), day, left, standing


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """A table in a terminal; in a pipe one line a duty, fields separated by tabs."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        for row in (_COLUMNS, *rows):
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))  # a number of a request may hold what looks like markup
    console.print(table)
