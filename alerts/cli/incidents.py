"""`monitor incidents`: the register of incidents, their 72-hour clocks, and the draft of the notice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

import click

from alerts.cli.incident_options import by_desk, database, facts_options, registry_if_usable, told_facts
from alerts.incidents.model import Report, source_of
from alerts.incidents.words import Language, Tier
from alerts.lifecycle.desk import desk as checked_desk
from monitor.cli.moments import point_in_time
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings

if TYPE_CHECKING:
    from alerts.incidents.model import Incident

DEFAULT_LIMIT = 50
_TIME = "2026-10-05T08:00, local to MONITOR_TIMEZONE unless it has an offset; or 3h, 2d ago."

_ID = click.argument("incident", metavar="ID")


@click.group()
def incidents() -> None:
    """Incidents, the 72 hours within which a leak of personal data is notified, and the notice's draft.

    Reads and writes the database of MONITOR_DATABASE_URL. Incidents also open by themselves, from security
    events of the kinds incident and leak_confirmed and from alerts of rules that are marked `leak`.
    """


@incidents.command("list")
@click.option("--open", "unsettled", is_flag=True, help="Only those that are open or notified.")
@click.option(
    "--limit", type=click.IntRange(0), default=DEFAULT_LIMIT, show_default=True, help="So many; 0 for all."
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_context
def list_(ctx: click.Context, *, unsettled: bool, limit: int, form: str) -> None:
    """List incidents, those first whose notice is due first.

    Writes nothing. LEFT is the time until the notice is due, while its clock runs. With --format json, one
    object a line.

    Exit status: 0 listed, 1 a notice is overdue among those shown (or no database), 2 wrong use.
    """
    from alerts.cli.incident_views import as_object, print_table
    from alerts.incidents.clock import hours_left, runs
    from alerts.incidents.store import list_incidents

    settings, now = load_settings(), _now()
    with database(settings, read_only=True) as connection:
        found = list_incidents(connection, unsettled=unsettled, limit=limit + 1 if limit else None)
    shown = found[:limit] if limit else found
    if form == "json":
        for one in shown:
            click.echo(json.dumps(as_object(one, now), ensure_ascii=False))
    elif shown:
        print_table(shown, settings.zone, now)
    else:
        click.echo("No incidents.")
    if len(shown) < len(found):
        click.echo(f"Only the first {limit}; --limit 0 lists all.", err=True)
    ctx.exit(1 if any(runs(one) and hours_left(one, now) <= 0 for one in shown) else 0)


@incidents.command("open")
@click.option("--agency", required=True, help="The agency's code, as MOH.")
@click.option("--tier", required=True, type=click.IntRange(1, 5), help="1 negligible to 5 extremely serious.")
@click.option("--detected-at", required=True, metavar="TIME", help=f"Starts the clock. {_TIME}")
@click.option("--what", required=True, help="What happened, in one line.")
@facts_options
@by_desk(default="soc")
def open_(*, agency: str, tier: int, detected_at: str, what: str, desk: str, **facts: Any) -> None:
    """Record an incident, and start its clock.

    Reads the registry, writes the database. Prints the number and when the notice is due. What the registry
    knows is filled in: agreements in force and fields of the services.

    Exit status: 0 recorded, 1 it could not be (no database, a time still to come), 2 wrong use.
    """
    from alerts.cli.incident_views import left, local
    from alerts.incidents import told
    from alerts.incidents.changes import check_not_ahead
    from alerts.incidents.sources import with_registry
    from alerts.incidents.store import MAX_UNSETTLED, MAX_UNSETTLED_PER_AGENCY, open_incidents

    settings, now = load_settings(), _now()
    by = checked_desk(desk)
    found = registry_if_usable(settings)
    code = told.line("--agency", agency, 200)
    if found.agencies and found.agency(code) is None:
        raise UsageProblem(f"--agency {code}: no agency of the registry has that code")
    detected = point_in_time(detected_at, now, settings.zone).astimezone(UTC)
    check_not_ahead("--detected-at", detected, now)
    values, slots = told_facts(facts)
    report = Report(
        # Every call is an incident of its own.
        source=source_of("desk", uuid4().hex),
        agency=code,
        tier=Tier(tier),
        detected_at=detected,
        kind="reported",
        what=told.line("--what", what),
        slots={name: text for name, text in slots.items() if text},
        **values,
    )
    with database(settings) as connection:
        report = with_registry(report, found, settings.zone)
        opened = open_incidents(connection, [report], zone=settings.zone, now=now, desk=by)
    if not opened.incidents:
        raise MonitorError(
            f"not recorded: {MAX_UNSETTLED_PER_AGENCY} incidents of {code}, or {MAX_UNSETTLED} in all, are "
            "unsettled: settle some"
        )
    (one,) = opened.incidents
    click.echo(f"{one.id}: notice due {local(one.due_at, settings.zone)}, left {left(one, now)}")


@incidents.command()
@_ID
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(incident: str, form: str) -> None:
    """Show an incident in full, with all that was done with it, by which desk.

    Writes nothing. Exit status: 0 shown, 1 no database, 2 there is no such incident.
    """
    from alerts.cli.incident_views import as_object, print_incident
    from alerts.incidents.rows import to_json
    from alerts.incidents.store import changes_of, find_incident

    settings, now = load_settings(), _now()
    with database(settings, read_only=True) as connection:
        one = find_incident(connection, incident)
        changes = changes_of(connection, incident)
    if form == "json":
        shown = as_object(one, now) | {"changes": json.loads(to_json(changes))}
        click.echo(json.dumps(shown, ensure_ascii=False))
    else:
        print_incident(one, changes, settings.zone, now)


@incidents.command()
@_ID
@by_desk()
@click.option("--tier", type=click.IntRange(1, 5), help="Another tier.")
@click.option("--detected-at", metavar="TIME", help=f"Starts the clock anew from there. {_TIME}")
@click.option("--what", help="What happened, in one line.")
@facts_options
def amend(
    incident: str, *, desk: str, tier: int | None, detected_at: str | None, what: str | None, **facts: Any
) -> None:
    """Add what has become known, or put something right; lists are replaced whole.

    --set fills in the notice: recipient, what_vi (what happened, in Vietnamese), cause, consequences,
    measures_taken, measures_planned, contact (a unit or role), informed, subjects_informed, delay_reason.
    An empty text takes one away; --what takes what_vi away, unless it is given too. With --personal-data no,
    the clock stops.

    Exit status: 0 written, 1 it does not fit (or no database), 2 wrong use or no such incident.
    """
    from alerts.incidents import changes, told

    now = _now()
    values, slots = told_facts(facts)
    if tier is not None:
        values["tier"] = Tier(tier)
    if what is not None:
        values["what"] = told.line("--what", what)
    if detected_at is not None:
        values["detected_at"] = point_in_time(detected_at, now, load_settings().zone).astimezone(UTC)
    if not values and not slots:
        raise UsageProblem("nothing to amend: name what has become known, for instance --records 1200")
    _change(incident, lambda one: changes.amend(one, values, slots, now), "amended", desk, now)


@incidents.command()
@_ID
@click.option("--at", required=True, metavar="TIME", help=f"When the notice was given. {_TIME}")
@by_desk()
@click.option("--reference", required=True, help="The notice's number or reference.")
def notified(incident: str, *, at: str, desk: str, reference: str) -> None:
    """Record that the notice was given: the clock stops, and its alerts are resolved.

    Again for one that supplements it: the reference is added, and the time of the first one stays.

    Exit status: 0 written, 1 it does not fit (or no database), 2 wrong use or no such incident.
    """
    from alerts.incidents import changes, told

    now = _now()
    time = point_in_time(at, now, load_settings().zone).astimezone(UTC)
    under = told.line("--reference", reference, 200)
    _change(incident, lambda one: changes.notify(one, time, under, now), "notified", desk, now)


@incidents.command()
@_ID
@by_desk()
@click.option("--reason", required=True, help="Why nothing more is to be done.")
@click.option("--not-notifiable", is_flag=True, help="Record the decision that no notice is owed.")
def close(incident: str, *, desk: str, reason: str, not_notifiable: bool) -> None:
    """Close an incident.

    One that may concern personal data and was not notified is closed only with --not-notifiable.

    Exit status: 0 written, 1 it does not fit (or no database), 2 wrong use or no such incident.
    """
    from alerts.incidents import changes, told

    now = _now()
    why = told.line("--reason", reason)
    what = "not notifiable" if not_notifiable else "closed"
    _change(
        incident,
        lambda one: changes.close(one, why, now, not_notifiable=not_notifiable),
        what,
        desk,
        now,
    )


@incidents.command()
@_ID
@by_desk()
@click.option("--reason", required=True, help="What has become known.")
def reopen(incident: str, *, desk: str, reason: str) -> None:
    """Open an incident again: its clock is that of its detection, as if it had not stopped.

    A notice that was recorded does not count any more. To supplement one, use `notified` again.

    Exit status: 0 written, 1 it is open (or no database), 2 wrong use or no such incident.
    """
    from alerts.incidents import changes, told

    now = _now()
    why = told.line("--reason", reason)
    _change(incident, lambda one: changes.reopen(one, why, now), "reopened", desk, now)


@incidents.command()
@_ID
@click.option("--lang", "language", type=click.Choice(get_args(Language)), default="vi", show_default=True)
@click.option("--format", "form", type=click.Choice(["html", "text"]), default="html", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; else to the screen.",
)
def notice(incident: str, *, language: Language, form: str, out: Path | None) -> None:
    """Draft the notice of an incident: what is known is filled in, what is missing is named.

    Reads the database and the registry; writes the file, over what is there. Its sections are a template,
    not an official form. What is missing is also listed on standard error.

    Exit status: 0 drafted, also where something is missing, 1 no database, 2 wrong use or no such incident.
    """
    from alerts.incidents.notice.content import compose
    from alerts.incidents.notice.render import to_html, to_text
    from alerts.incidents.store import find_incident

    settings = load_settings()
    with database(settings, read_only=True) as connection:
        one = find_incident(connection, incident)
    drafted = compose(one, registry_if_usable(settings), language=language, zone=settings.zone, now=_now())
    page = to_html(drafted) if form == "html" else to_text(drafted)
    if out is None:
        click.echo(page, nl=False)
    else:
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as why:
            raise MonitorError(f"cannot write {out}: {why.strerror}") from why
    if drafted.missing:
        labels = "; ".join(item.label for _, item in drafted.missing)
        click.echo(f"{drafted.text('missing_some', count=len(drafted.missing))}: {labels}", err=True)


def _change(incident: str, step: Callable[[Incident], Incident], what: str, desk: str, now: datetime) -> None:
    from alerts.cli.incident_views import left
    from alerts.incidents.store import change_incident

    by = checked_desk(desk)
    with database(load_settings()) as connection:
        after = change_incident(connection, incident, step, what=what, desk=by, now=now)
    click.echo(f"{after.id}: {after.status}, left {left(after, now)}")


def _now() -> datetime:
    return datetime.now(UTC)
