"""How alerts are shown on the command line: as a table, and one in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from alerts.lifecycle.alert import Alert
from alerts.lifecycle.store import Past
from alerts.model import Evidence, RuleInfo

_COLUMNS = ("ALERT", "LEVEL", "STATE", "AGENCY", "EVENTS", "FIRST", "LAST", "DESK", "TITLE")


def print_table(alerts: Sequence[Alert], zone: ZoneInfo) -> None:
    """A table in a terminal; in a pipe one line an alert, fields separated by tabs."""
    from rich.console import Console

    rows = [_row(one, zone) for one in alerts]
    console = Console()
    if not console.is_terminal:
        for row in (_COLUMNS, *rows):
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, no_wrap=column != "TITLE", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)


def print_alert(alert: Alert, info: RuleInfo | None, past: Sequence[Past], zone: ZoneInfo) -> None:
    """One alert in full: what was found, what to do, and what happened to it."""
    lines = [
        ("alert", alert.reference),
        ("title", alert.title),
        ("title (vi)", alert.title_vi),
        ("level", f"{alert.level.word}, risk score {alert.risk_score} of 100"),
        ("state", _state(alert, zone)),
        ("agency", alert.agency),
        ("owner", alert.owner),
        *((field, value) for field, value in alert.group),
        ("rule", f"{alert.rule} ({alert.runbook})" if alert.runbook else alert.rule),
        ("tags", ", ".join(alert.tags)),
        ("events", f"{alert.count}, {_span(alert, zone)}"),
        *((name, str(value)) for name, value in alert.facts.items()),
        ("opened", local(alert.opened_at, zone)),
        ("acknowledged", _acknowledged(alert, zone)),
        (
            "repeats",
            f"{alert.repeats}, {alert.suppressed} held back" if alert.suppressed else str(alert.repeats),
        ),
    ]
    if alert.leak:
        lines.insert(4, ("leak", "yes: the 72 hours for the notice run, see `monitor incidents list`"))
    shown = [(name, printable(text)) for name, text in lines if text]
    width = max(len(name) for name, _ in shown)
    for name, text in shown:
        click.echo(f"{printable(name).ljust(width)}  {text}")
    _print_events("first events", alert.evidence, zone)
    _print_events("last events", alert.latest, zone)
    if info is not None and info.description:
        click.echo(f"\n{' '.join(info.description.split())}")
    if info is not None and info.runbook:
        click.echo("\nwhat to do")
        for number, step in enumerate(info.runbook, 1):
            click.echo(f"  {number}. {step}")
    click.echo("\nwhat happened")
    for one in past:
        by = f" by {one.desk}" if one.desk else ""
        note = f": {printable(one.note)}" if one.note else ""
        click.echo(f"  {local(one.at, zone)}  episode {one.episode} {one.change}{by}{note}")


def local(time: datetime, zone: ZoneInfo) -> str:
    """A time to the second, in the zone."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Text that cannot steer a terminal or break a line: what is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _row(alert: Alert, zone: ZoneInfo) -> tuple[str, ...]:
    fields = (
        alert.reference,
        alert.level.word,
        alert.state,
        alert.agency,
        str(alert.count),
        local(alert.first_time, zone),
        local(alert.last_time, zone),
        alert.acknowledged_by or "-",
        f"{alert.title} ({', '.join(value for _, value in alert.group)})" if alert.group else alert.title,
    )
    return tuple(printable(field) for field in fields)


def _state(alert: Alert, zone: ZoneInfo) -> str:
    return f"resolved {local(alert.resolved_at, zone)}" if alert.resolved_at else alert.state


def _span(alert: Alert, zone: ZoneInfo) -> str:
    first, last = local(alert.first_time, zone), local(alert.last_time, zone)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _acknowledged(alert: Alert, zone: ZoneInfo) -> str:
    if alert.acknowledged_at is None:
        return ""
    return f"{local(alert.acknowledged_at, zone)} by {alert.acknowledged_by}: {alert.acknowledged_why}"


def _print_events(name: str, events: Sequence[Evidence], zone: ZoneInfo) -> None:
    from alerts.lifecycle.total import moment

    if events:
        click.echo(f"\n{name}")
        for one in events:
            click.echo(f"  {local(moment(one.time_ms), zone)}  {printable(one.event_id)}")
