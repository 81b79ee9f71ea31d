"""What opens an incident by itself: a security event that reports one, an alert of a rule on leaks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from alerts.incidents.model import MAX_ITEMS, MAX_SLOT, MAX_WHAT, Report, items, source_of, trimmed
from alerts.incidents.words import Kind, PersonalData, Tier
from alerts.model import RuleInfo
from monitor.events.pseudonym import WITHHELD
from monitor.events.security_event import Scalar, SecurityEvent
from monitor.judging.book import version_in_force
from monitor.registry.registry import Registry

EVENT_KINDS: Final[Mapping[str, Kind]] = {"incident": "incident", "leak_confirmed": "leak_confirmed"}
"""The kinds of security events that report an incident, rather than a sign of one."""

UIDS: Final = ("incident_uid", "finding_uid", "incident", "finding")
"""Details that name the incident where its own system keeps it: its updates are the same incident."""


def from_security_event(event: SecurityEvent) -> Report | None:
    """The incident that an event reports; None for an event of any other kind.

    The clock starts at the event's time: that is when somebody detected it. Where the details name the
    incident itself (UIDS), its later reports do not open another. `detail.personal_data` says whether
    personal data are concerned; else a confirmed leak is taken to concern them, and of an incident it is
    unknown. Other details read: `records`, `persons`, `categories` (separated by commas). What happened is
    left to people to tell: prose is not kept of events.
    """
    kind = EVENT_KINDS.get(event.kind)
    if kind is None:
        return None
    detail = event.detail or {}
    # Without a key for pseudonyms, many different names arrive as one word: that names nothing.
    uid = next((str(detail[name]) for name in UIDS if detail.get(name) not in (None, "", WITHHELD)), None)
    itself = event_source(event.agency, event.id)
    records = _number(detail.get("records"))
    if records is None and event.count > 1:  # one is what an event that counts nothing has
        records = event.count
    return Report(
        # With the kind, as a leak may be confirmed of an incident that was settled.
        source=source_of(f"{kind}-uid", f"{event.agency}/{uid}") if uid else itself,
        aliases=(itself,) if uid else (),
        agency=event.agency,
        tier=Tier(min(max(event.severity, 1), len(Tier))),
        detected_at=_moment(event.time),
        kind=kind,
        what="",
        personal_data=_personal_data(detail.get("personal_data"), kind),
        categories=items(str(detail.get("categories") or "").split(",")),
        records=records,
        persons=_number(detail.get("persons")),
        services=items([event.service or ""]),
        events=items([event.id]),
    )


def from_alert(
    info: RuleInfo,
    agency: str,
    alert_id: str,
    time_ms: int,
    *,
    services: Iterable[str] = (),
    events: Iterable[str] = (),
) -> Report | None:
    """The incident of an alert; None unless its rule is marked `leak`.

    `time_ms` is the time of the first event behind the alert, from which the clock runs, as nobody can have
    detected it before; whether personal data are concerned is for people to find out, while it runs.
    `alert_id` names the episode, not only the alert. `events` are the ids of its evidence: where one of them
    has opened an incident by itself, or stands behind another alert that has, the alert belongs to that one.
    """
    if not info.leak:
        return None
    behind = list(dict.fromkeys(one for one in events if one))[:MAX_ITEMS]
    return Report(
        source=source_of("alert", alert_id),
        # Of the ids as they came: an event's own key is made of that, not of what is shown.
        aliases=tuple(event_source(agency, one) for one in behind),
        agency=agency,
        tier=Tier(int(info.level)),
        detected_at=_moment(time_ms),
        kind="leak_rule",
        what=trimmed(info.title, MAX_WHAT),
        services=items(services),
        alerts=items([alert_id]),
        events=items(behind),
        slots={"what_vi": trimmed(info.title_vi, MAX_SLOT)} if info.title_vi else {},
    )


def event_source(agency: str, event_id: str) -> str:
    """The key of an event; with its agency, as ids of two senders may be alike."""
    return source_of("event", f"{agency}/{event_id}")


def with_registry(report: Report, registry: Registry, zone: ZoneInfo) -> Report:
    """The report with what the registry knows: present code, agreements in force, data of its services.

    Agreements are those of the agency on the services at the time of detection. Categories that were given
    stay; else they are the fields that the services return.
    """
    agency = registry.canonical.get(report.agency, report.agency)
    day = report.detected_at.astimezone(zone).date()
    found = [
        version_in_force(registry.versions(agency, service), day)
        for service in report.services
        if service in registry.services
    ]
    services = [registry.services[name] for name in report.services if name in registry.services]
    return replace(
        report,
        agency=agency,
        agreements=report.agreements or items(one.id for one in found if one is not None),
        categories=report.categories or items(field for one in services for field in one.fields),
    )


def _moment(time: datetime | float) -> datetime:
    return time.astimezone(UTC) if isinstance(time, datetime) else datetime.fromtimestamp(time / 1000, UTC)


def _personal_data(told: Scalar | None, kind: Kind) -> PersonalData:
    match told.strip().lower() if isinstance(told, str) else told:
        case True | "yes" | "true":
            return "yes"
        case False | "no" | "false":
            return "no"
        case _:
            return "yes" if kind == "leak_confirmed" else "unknown"


def _number(value: Scalar | None) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53
    return int(value) if whole and value is not None else None
