"""`monitor alerts`: what is open, what was found, who is at it; and findings for other systems."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from alerts.cli.incident_options import by_desk, database
from alerts.model import Level, RuleInfo
from monitor.cli.moments import point_in_time
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from alerts.lifecycle.store import Wanted

DEFAULT_LIMIT = 50
SHORTEST_ID = 4  # digits of an id that are enough where they are clear
_ID = re.compile(r"([0-9a-f]{4,16})(?:/([1-9][0-9]{0,8}))?")
_LEVELS = [level.word for level in Level]

_STATE = click.option(
    "--state", type=click.Choice(["open", "resolved", "all"]), default="open", show_default=True
)
_AGENCY = click.option("--agency", metavar="CODE", help="Only alerts about this agency.")
_LEVEL = click.option("--level", type=click.Choice(_LEVELS), help="Only this level and those above.")
_RULE = click.option("--rule", metavar="ID", help="Only alerts of this rule.")
_SINCE = click.option(
    "--since", metavar="TIME", help="Only with events since: 2026-10-05, 2026-10-05T08:00, 3h, 2d."
)


@click.group()
def alerts() -> None:
    """Alerts: list, show, acknowledge, export.

    Reads and writes the database of MONITOR_DATABASE_URL.
    """


@alerts.command("list")
@_STATE
@_AGENCY
@_LEVEL
@_RULE
@_SINCE
@click.option(
    "--limit", type=click.IntRange(0), default=DEFAULT_LIMIT, show_default=True, help="So many; 0 for all."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_(*, limit: int, form: str, **chosen: Any) -> None:
    """List alerts, those with the newest events first.

    Reads the database and writes nothing. A table; where the output is no terminal, one line an alert with
    fields separated by tabs; with --format json, one object a line.

    Exit status: 0 listed, also when there are none; 1 no database; 2 wrong use.
    """
    from alerts.cli.alert_views import print_table
    from alerts.lifecycle.events import plain
    from alerts.lifecycle.store import count_alerts, select_alerts

    settings = load_settings()
    wanted = _wanted(settings, **chosen)
    with database(settings, read_only=True) as connection:
        found = select_alerts(connection, wanted, limit or None)
        total = count_alerts(connection, wanted) if limit else len(found)
    if form == "json":
        for one in found:
            click.echo(json.dumps(plain(one), ensure_ascii=False))
    elif found:
        print_table(found, settings.zone)
    else:
        click.echo("No alerts.")
    if len(found) < total:
        click.echo(f"The newest {len(found)} of {total}; --limit 0 lists all.", err=True)


@alerts.command()
@click.argument("alert", metavar="ID")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(alert: str, form: str) -> None:
    """Show one alert: what was found and expected, which events show it, what to do, what happened to it.

    Reads the database and the rules (MONITOR_RULES; without them the runbook is left out) and writes
    nothing. ID is as `list` shows it, or its first digits; without /EPISODE the open episode, or the newest.

    Exit status: 0 shown, 1 no database, 2 there is no such alert.
    """
    from alerts.cli.alert_views import print_alert
    from alerts.lifecycle.events import instant, plain
    from alerts.lifecycle.store import find, history

    settings = load_settings()
    with database(settings, read_only=True) as connection:
        alert_id, episode = _named(connection, alert)
        found = find(connection, alert_id, episode)
        past = history(connection, alert_id)
    if found is None:
        raise UsageProblem(f"alert {alert_id} has no episode {episode}")
    info = _rules(settings).get(found.rule)
    if form == "text":
        print_alert(found, info, past, settings.zone)
        return
    happened = [{**one._asdict(), "at": instant(one.at)} for one in past]
    steps = list(info.runbook) if info else []
    click.echo(json.dumps(plain(found) | {"steps": steps, "history": happened}, ensure_ascii=False))


@alerts.command()
@click.argument("alert", metavar="ID")
@by_desk()
@click.option("--reason", required=True, metavar="TEXT", help="What is done about it; no names of persons.")
@click.pass_context
def ack(ctx: click.Context, alert: str, desk: str, reason: str) -> None:
    """Acknowledge an open alert: a desk is at it.

    Writes the desk, the reason and the time to the database. The alert then repeats no more, or once a day
    if it is critical, and still ends by itself. Acknowledged again, the later desk and reason hold.

    Exit status: 0 acknowledged, 1 it is not open (or no database), 2 there is no such alert, or DESK names
    no desk.
    """
    from alerts.lifecycle.desk import desk as checked_desk
    from alerts.lifecycle.desk import reason as checked_reason
    from alerts.lifecycle.upkeep import acknowledge

    settings, now = load_settings(), datetime.now(UTC)
    desk, reason = checked_desk(desk), checked_reason(reason)
    with database(settings) as connection:
        alert_id, episode = _named(connection, alert)
        change = acknowledge(connection, alert_id, desk, reason, now, episode=episode)
    if change is None:
        click.echo(f"{alert} is not open: nothing to acknowledge", err=True)
        ctx.exit(1)
    click.echo(f"{change.alert.reference} acknowledged by {desk}")


@alerts.command()
@_STATE
@_AGENCY
@_LEVEL
@_RULE
@_SINCE
@click.option("--format", "form", type=click.Choice(["ocsf"]), default="ocsf", show_default=True)
def export(*, form: str, **chosen: Any) -> None:
    """Write alerts as findings for other systems, one JSON object a line.

    Reads the database and the rules (MONITOR_RULES; without them descriptions are left out) and writes to
    standard output. OCSF 1.5.0: Data Security Finding (2006) for leaks, Compliance Finding (2003) for
    breaches of agreements, Detection Finding (2004) for all else.

    The oldest events come first.

    Exit status: 0 written, 1 no database, 2 wrong use.
    """
    from alerts.lifecycle.ocsf import line
    from alerts.lifecycle.store import stream_alerts

    del form  # one so far
    settings = load_settings()
    rules = _rules(settings)
    with database(settings, read_only=True) as connection:
        for one in stream_alerts(connection, _wanted(settings, **chosen)):
            click.echo(line(one, rules.get(one.rule)))


def _wanted(
    settings: Settings,
    *,
    state: str,
    agency: str | None,
    level: str | None,
    rule: str | None,
    since: str | None,
) -> Wanted:
    from alerts.lifecycle.store import Wanted

    return Wanted(
        state=None if state == "all" else "open" if state == "open" else "resolved",
        agency=agency,
        least=Level[level.upper()] if level else None,
        rule=rule,
        since=point_in_time(since, datetime.now(UTC), settings.zone) if since else None,
    )


def _named(connection: Connection, text: str) -> tuple[str, int | None]:
    """The id, and the episode if one is named. Raises UsageProblem unless it names one alert."""
    from alerts.lifecycle.store import ids_like

    found = _ID.fullmatch(text.lower())
    if found is None:
        raise UsageProblem(
            f"{text!r} is no alert: expected the first {SHORTEST_ID} to 16 digits of an id, and perhaps "
            "/EPISODE, as `monitor alerts list` shows it"
        )
    ids = ids_like(connection, found[1])
    if not ids:
        raise UsageProblem(f"there is no alert {text}")
    if len(ids) > 1:
        raise UsageProblem(f"{text} is not clear: it may be {', '.join(ids)}")
    return ids[0], int(found[2]) if found[2] else None


def _rules(settings: Settings) -> Mapping[str, RuleInfo]:
    """What is known of the rules, or nothing where the folder cannot be used: alerts are shown regardless."""
    from alerts.sigma.load import load_rules

    try:
        loaded = load_rules(settings.rules_folder, strict=False)
    except MonitorError:
        folder = settings.rules_folder
        click.echo(f"{folder} cannot be used (`monitor rules check`): no runbook is shown", err=True)
        return {}
    return {one.info.id: one.info for one in (*loaded.events, *loaded.memories)}
