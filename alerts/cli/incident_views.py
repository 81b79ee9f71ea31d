"""Incidents as `monitor incidents` shows them: a table, one in full, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from alerts.incidents.clock import hours_left, runs
from alerts.incidents.model import Change, Incident
from alerts.incidents.rows import to_json
from alerts.incidents.words import KINDS, TIERS
from monitor.registry.drafts import printable

_COLUMNS = ("INCIDENT", "TIER", "AGENCY", "STATUS", "PERSONAL DATA", "DETECTED", "NOTICE DUE", "LEFT", "WHAT")
_LONGEST_WHAT = 60


def as_object(incident: Incident, now: datetime) -> dict[str, Any]:
    """An incident as JSON has it: times in RFC 3339, and the hours its clock has left, or null."""
    values: dict[str, Any] = json.loads(to_json(incident))
    values.pop("warned")
    left = round(hours_left(incident, now), 2) if runs(incident) else None
    return {"id": values.pop("id"), "hours_left": left, **values}


def print_table(incidents: Sequence[Incident], zone: ZoneInfo, now: datetime) -> None:
    """A table in a terminal; in a pipe one line an incident, fields separated by tabs."""
    from rich.console import Console

    rows = [_row(one, zone, now) for one in incidents]
    console = Console()
    if not console.is_terminal:
        for row in (_COLUMNS, *rows):
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, no_wrap=column != "WHAT", overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))
    console.print(table)


def print_incident(incident: Incident, changes: Sequence[Change], zone: ZoneInfo, now: datetime) -> None:
    """One incident in full, with its audit trail."""
    tier = TIERS[incident.tier]
    lines = [
        ("incident", incident.id),
        ("agency", incident.agency),
        ("tier", f"{int(incident.tier)} of 5, {tier.name.en}"),
        ("kind", KINDS[incident.kind].en),
        ("what", incident.what),
        ("status", incident.status),
        ("personal data", incident.personal_data),
        ("detected", local(incident.detected_at, zone)),
        ("notice due", local(incident.due_at, zone)),
        ("left", left(incident, now)),
        ("notified", "" if incident.notified_at is None else local(incident.notified_at, zone)),
        ("reference", incident.reference or ""),
        ("reason", incident.reason or ""),
        ("categories", ", ".join(incident.categories)),
        ("records", "" if incident.records is None else str(incident.records)),
        ("persons", "" if incident.persons is None else str(incident.persons)),
        ("services", ", ".join(incident.services)),
        ("agreements", ", ".join(incident.agreements)),
        ("alerts", ", ".join(incident.alerts)),
        ("events", ", ".join(incident.events)),
        ("source", incident.source),
        *((name.replace("_", " "), text) for name, text in sorted(incident.slots.items())),
    ]
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        if text:
            click.echo(f"{name.ljust(width)}  {_block(text, width + 2)}")
    click.echo("changes")
    for change in changes:
        fields = ", ".join(change.values) if change.number > 1 else ""
        click.echo(
            f"  {local(change.at, zone)}  {change.desk}  {change.what}{': ' if fields else ''}{fields}"
        )


def local(time: datetime, zone: ZoneInfo) -> str:
    """A time in the zone, to the minute."""
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M}"


def left(incident: Incident, now: datetime) -> str:
    """How long the clock still runs: `41.5 h`, `overdue 2.0 h`, or `-` when it does not run."""
    if not runs(incident):
        return "-"
    hours = hours_left(incident, now)
    return f"{hours:.1f} h" if hours > 0 else f"overdue {-hours:.1f} h"


def _row(incident: Incident, zone: ZoneInfo, now: datetime) -> tuple[str, ...]:
    what = incident.what or KINDS[incident.kind].en
    short = what if len(what) <= _LONGEST_WHAT else what[: _LONGEST_WHAT - 1] + "…"
    return (
        incident.id,
        str(int(incident.tier)),
        printable(incident.agency),
        incident.status,
        incident.personal_data,
        local(incident.detected_at, zone),
        local(incident.due_at, zone),
        left(incident, now),
        printable(short),
    )


def _block(text: str, indent: int) -> str:
    return ("\n" + " " * indent).join(printable(line) for line in text.splitlines())
