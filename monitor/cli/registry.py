"""`monitor registry`: checks a registry folder, shows its records and what it lacks, writes schemas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.moments import point_in_time
from monitor.cli.registry_files import export_odcs, extract, import_odcs
from monitor.errors import MonitorError, UsageProblem
from monitor.ledger.partition import OTHER_NAMES
from monitor.registry.drafts import (
    draft_agencies,
    draft_services,
    draft_xroad_members,
    draft_xroad_services,
    printable,
)
from monitor.registry.load import load_registry
from monitor.registry.model import Agency, Agreement, Record
from monitor.registry.problems import RegistryProblems
from monitor.registry.registry import Registry
from monitor.registry.schema import write_schemas
from monitor.registry.summary import EXPIRY_NOTICE, Summary, summarise
from monitor.registry.xroad import MEMBER_GAP, SERVICE_GAP, XroadNames
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from monitor.storage.gaps import Gap

SHOWN_STRAYED = 5
_DRAFTS = {
    "agency": draft_agencies,
    "service": draft_services,
    MEMBER_GAP: draft_xroad_members,
    SERVICE_GAP: draft_xroad_services,
}
_FOLDER = click.argument("folder", required=False, type=click.Path(path_type=Path))


@click.group()
def registry() -> None:
    """Agencies, services and agreements: check, show, complete, publish; schemas for editors."""


for _command in (extract, export_odcs, import_odcs):
    registry.add_command(_command)


@registry.command()
@_FOLDER
@click.pass_context
def check(ctx: click.Context, folder: Path | None) -> None:
    """Check a registry folder as a whole.

    Reads the YAML files of FOLDER (default: MONITOR_REGISTRY) and writes nothing.
    Prints either every problem, one a line, as file:line field: reason, or a summary: counts, versions
    in force today, agreements that end soon.

    Exit status: 0 the registry can be used, 1 it has problems, 2 wrong use.
    """
    settings = load_settings()
    folder = folder or settings.registry
    try:
        found = load_registry(folder)
    except RegistryProblems as why:
        for problem in why.problems:
            click.echo(str(problem))
        count = len(why.problems)
        click.echo(f"{folder}: {count} problem{'' if count == 1 else 's'}", err=True)
        ctx.exit(1)
    click.echo(f"{folder}: no problems")
    _print_summary(summarise(found, _today(settings)))
    click.echo(f"fingerprint {found.fingerprint}")


@registry.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to."
)
def schema(out: Path) -> None:
    """Write the JSON Schemas of the registry's files, for editors.

    Reads nothing. Writes agency.schema.json, service.schema.json and agreement.schema.json into the
    folder, over what is there. A file refers to its schema by its first line:
    # yaml-language-server: $schema=../schema/agency.schema.json

    Exit status: 0 written, 1 the folder cannot be written, 2 wrong use.
    """
    for path in write_schemas(out):
        click.echo(str(path))


@registry.command()
@click.argument("name", metavar="CODE_OR_ID")
@click.option(
    "--registry",
    "folder",
    type=click.Path(path_type=Path),
    help="Registry folder [default: MONITOR_REGISTRY].",
)
def show(name: str, folder: Path | None) -> None:
    """Show an agency, a service or an agreement with all its versions.

    Reads the registry and writes nothing. CODE_OR_ID is an agency's code, present or previous, a
    service's id or an agreement's id: MPS, population.verify-identity, AGR-2026-0012.

    Exit status: 0 shown, 1 the registry has problems, 2 there is no such record.
    """
    settings = load_settings()
    found = load_registry(folder or settings.registry)
    today = _today(settings)
    if (agency := found.agency(name)) is not None:
        _print_agency(found, agency, today)
    elif (service := found.services.get(name)) is not None:
        _print_record(service)
        _print_agreements([one for one in found.agreements if one.service == service.id], today)
    elif versions := [one for one in found.agreements if one.id == name]:
        for one in versions:
            click.echo(f"--- version {one.version}: {_standing(one, today)}")
            _print_record(one)
    else:
        raise UsageProblem(f"no agency, service or agreement of this registry is called {name}")


@registry.command()
@click.option(
    "--registry",
    "folder",
    type=click.Path(path_type=Path),
    help="Registry folder [default: MONITOR_REGISTRY].",
)
@click.option("--since", metavar="TIME", help="Only names seen since: 2026-10-05, 2026-10-05T08:00, 3h, 2d.")
@click.option(
    "--limit", type=click.IntRange(0), default=50, show_default=True, help="The largest so many; 0 for all."
)
@click.option("--yaml", "as_yaml", is_flag=True, help="Write drafts of the missing records instead.")
@click.pass_context
def gaps(ctx: click.Context, *, folder: Path | None, since: str | None, limit: int, as_yaml: bool) -> None:
    """List the names on exchanges that the registry does not hold, the most frequent first.

    Reads the database and the registry and writes nothing. A name that was registered since it was counted
    is left out. EXCHANGES counts all of them, also with --since. Members and services of X-Road are told
    under their own names, until a pattern of a record matches them.
    With --yaml, prints records to paste into the registry: what only people know is marked FILL-IN.

    Exit status: 0 no gaps, 1 gaps (or no database), 2 wrong use.
    """
    settings = load_settings()
    begin = point_in_time(since, datetime.now(settings.zone), settings.zone) if since else None
    found, strayed = _missing(_gaps(settings, begin), _if_usable(folder or settings.registry))
    shown = found[:limit] if limit else found
    if as_yaml:
        named = [gap for gap in shown if gap.name != OTHER_NAMES]
        for kind, draft in _DRAFTS.items():
            click.echo(
                draft((gap.name, _volume(gap, settings)) for gap in named if gap.kind == kind), nl=False
            )
    elif shown:
        rows = [(gap.kind, printable(gap.name), str(gap.exchanges), _counted(gap, settings)) for gap in shown]
        _print_table(("kind", "name", "exchanges", "last counted"), rows)
    else:
        click.echo("The registry holds every name.")
    if strayed:
        first = ", ".join(f"{service} of {provider}" for service, provider in strayed[:SHOWN_STRAYED])
        more = f" and {len(strayed) - SHOWN_STRAYED} more" if len(strayed) > SHOWN_STRAYED else ""
        click.echo(
            f"Registered, but exchanges named another provider or came before: {first}{more}.", err=True
        )
    if len(shown) < len(found):
        click.echo(f"The first {len(shown)} of {len(found)}; --limit 0 lists all.", err=True)
    ctx.exit(1 if found else 0)


def _gaps(settings: Settings, since: datetime | None) -> list[Gap]:
    from sqlalchemy.exc import DBAPIError

    from monitor.storage.engine import open_engine
    from monitor.storage.gaps import read_gaps
    from monitor.storage.schema import check_schema

    url = settings.sqlalchemy_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise MonitorError(f"there is no database {url.database}: `monitor migrate` makes it")
    engine = open_engine(url, read_only=True)
    try:
        check_schema(engine)
        return read_gaps(engine, since)
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().splitlines()[0]}") from why
    finally:
        engine.dispose()


def _if_usable(folder: Path) -> Registry:
    """The registry, or an empty one where it has problems: then every name is listed."""
    try:
        return load_registry(folder)
    except RegistryProblems:
        click.echo(f"{folder} has problems (`monitor registry check`): every name is listed", err=True)
        return Registry.of()


def _missing(gaps: Sequence[Gap], found: Registry) -> tuple[list[Gap], list[tuple[str, str]]]:
    """The gaps that are still open; and services that are registered, each with its provider."""
    strayed = [
        (gap.name, found.services[gap.name].provider)
        for gap in gaps
        if gap.kind == "service" and gap.name in found.services
    ]
    held = found.canonical.keys() | found.services.keys()
    names = XroadNames(found.agencies, found.services)
    return [gap for gap in gaps if gap.name not in held and not names.holds(gap.kind, gap.name)], strayed


def _volume(gap: Gap, settings: Settings) -> str:
    return f"exchanges: {gap.exchanges}, last counted {_counted(gap, settings)}"


def _counted(gap: Gap, settings: Settings) -> str:
    return f"{gap.last_time.astimezone(settings.zone):%Y-%m-%d %H:%M}"


def _today(settings: Settings) -> date:
    return datetime.now(settings.zone).date()


def _print_summary(summary: Summary) -> None:
    click.echo(
        f"{summary.agencies} agencies, {summary.services} services, "
        f"{summary.agreements} agreements in {summary.versions} versions"
    )
    in_force = ", ".join(f"{count} {status}" for status, count in summary.in_force.items()) or "none"
    click.echo(f"in force on {summary.day}: {in_force}")
    if summary.expiring:
        click.echo(f"ending within {EXPIRY_NOTICE.days} days, with nothing to follow:")
        _print_agreements(summary.expiring, summary.day)


def _print_agency(found: Registry, agency: Agency, today: date) -> None:
    _print_record(agency)
    offered = [
        (one.id, one.method, one.name.en) for one in found.services.values() if one.provider == agency.code
    ]
    if offered:
        click.echo("provides")
        _print_table(("service", "method", "name"), offered)
    used = [one for one in found.agreements if one.consumer == agency.code]
    if used:
        click.echo("may ask")
        _print_agreements(used, today)


def _print_agreements(agreements: Sequence[Agreement], today: date) -> None:
    rows = [
        (
            one.id,
            str(one.version),
            one.consumer,
            one.service,
            str(one.start),
            str(one.last_day),
            _standing(one, today),
        )
        for one in agreements
    ]
    _print_table(("agreement", "version", "consumer", "service", "start", "last day", "today"), rows)


def _standing(one: Agreement, today: date) -> str:
    if one.status == "draft" or one.start <= today <= one.last_day:
        return one.status
    return "ended" if one.last_day < today else "not started"


def _print_record(record: Record) -> None:
    """Every field that was given, under the name it has in the file."""
    values = record.model_dump(mode="json", by_alias=True, exclude_unset=True)
    lines = _lines(values)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        click.echo(f"{name.ljust(width)}  {text}")


def _lines(values: dict[str, Any], within: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines.extend(_lines(value, f"{within}{name}."))
        elif isinstance(value, list):
            lines.append((within + name, "; ".join(str(item) for item in value)))
        else:
            lines.append((within + name, str(value).lower() if isinstance(value, bool) else str(value)))
    return lines


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere aligned plain text, which grep and awk can read."""
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        from rich.table import Table
        from rich.text import Text

        table = Table()
        for name in header:
            table.add_column(name, overflow="fold")  # an id that is cut short helps nobody
        for row in rows:
            table.add_row(*(Text(text) for text in row))  # a name may hold what looks like markup
        console.print(table)
        return
    widths = [max(len(text) for text in column) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
