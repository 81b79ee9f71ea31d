"""What desks do with an incident: amend, notify, close, reopen. Pure; each returns what it is then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from alerts.incidents.clock import due_at, runs
from alerts.incidents.model import SLOTS, Incident, Report, items
from alerts.incidents.words import Status
from monitor.errors import MonitorError

AMENDABLE = frozenset(
    {
        "tier",
        "detected_at",
        "what",
        "personal_data",
        "categories",
        "records",
        "persons",
        "services",
        "agreements",
        "alerts",
        "events",
    }
)

CONCERNED: Final = "a later report says that personal data are concerned"


class NotPossible(MonitorError):
    """What a desk wants to do does not fit where the incident stands; the message says why and what would."""


def amend(incident: Incident, values: Mapping[str, Any], slots: Mapping[str, str], now: datetime) -> Incident:
    """The incident with other facts and slots; an empty slot is taken away.

    With another `what` the slot `what_vi` goes, unless it is given too: it told of what was put right.
    Facts can be put right whatever its status. With another `detected_at` the clock starts anew from there;
    where personal data turn out to be concerned after all, it runs again, and tells its thresholds again.
    Raises NotPossible for a time ahead of now, KeyError for a name that is none (a defect of the caller).
    """
    if unknown := [*(values.keys() - AMENDABLE), *(slots.keys() - set(SLOTS))]:
        raise KeyError(*unknown)
    detected = values.get("detected_at")
    if detected is not None:
        check_not_ahead("detected", detected, now)
        if incident.notified_at is not None and incident.notified_at < detected:
            when = f"{incident.notified_at:%Y-%m-%d %H:%M} UTC"
            raise NotPossible(f"{incident.id} was notified on {when}: it cannot have been detected after")
        values = {**values, "due_at": due_at(detected), "running_since": now, "warned": None}
    if values.get("what", incident.what) != incident.what and "what_vi" not in slots:
        slots = {**slots, "what_vi": ""}
    kept = {name: text for name, text in {**incident.slots, **slots}.items() if text}
    after = replace(incident, **values, slots=kept, updated_at=now)
    if runs(after) and not runs(incident):
        after = replace(after, running_since=now, warned=None)
    return after


def hear(incident: Incident, report: Report, now: datetime) -> Incident:
    """The incident after another report of it: one that says personal data are concerned is believed.

    Nothing is lowered. Where it was settled without a notice, it is open again.
    """
    if report.personal_data != "yes" or incident.personal_data == "yes":
        return incident
    events = items((*incident.events, *report.events))
    after = amend(incident, {"personal_data": "yes", "events": events}, {}, now)
    if after.status in ("closed", "not-notifiable") and after.notified_at is None:
        after = reopen(after, CONCERNED, now)
    return after


def notify(incident: Incident, at: datetime, reference: str, now: datetime) -> Incident:
    """The notice was given at that time, under that reference.

    Where one was given before, this supplements it: the reference is added, and the time of the first one
    stays. Raises NotPossible.
    """
    if incident.status != "open" and incident.notified_at is None:
        raise NotPossible(f"{incident.id} is {incident.status}: reopen it first")
    check_not_ahead("notified", at, now)
    if incident.notified_at is not None:
        return _supplement(incident, incident.notified_at, at, reference, now)
    if at < incident.detected_at:
        when = f"{incident.detected_at:%Y-%m-%d %H:%M} UTC"
        raise NotPossible(f"{incident.id} was detected on {when}: it cannot have been notified before")
    return replace(incident, status="notified", notified_at=at, reference=reference, updated_at=now)


def _supplement(incident: Incident, first: datetime, at: datetime, reference: str, now: datetime) -> Incident:
    if at < first:
        raise NotPossible(
            f"{incident.id} was notified on {first:%Y-%m-%d %H:%M} UTC, reference {incident.reference}: a "
            "supplement cannot have come before; reopen it where that is wrong"
        )
    known = (incident.reference or "").split("; ")
    if reference in known:
        return incident
    return replace(incident, reference="; ".join(filter(None, [*known, reference])), updated_at=now)


def close(incident: Incident, reason: str, now: datetime, *, not_notifiable: bool = False) -> Incident:
    """Nothing more is to be done; `not_notifiable` records the decision that no notice is owed.

    Raises NotPossible where it is settled already, or where its clock runs and nothing was decided: an
    incident that may concern personal data does not end by being put away.
    """
    if incident.status in ("closed", "not-notifiable"):
        raise NotPossible(f"{incident.id} is {incident.status} already")
    if not_notifiable and incident.status == "notified":
        raise NotPossible(f"{incident.id} was notified: close it without --not-notifiable")
    if runs(incident) and not not_notifiable:
        raise NotPossible(
            f"{incident.id} may concern personal data and was not notified: record the notice, or close it "
            "with --not-notifiable"
        )
    status: Status = "not-notifiable" if not_notifiable else "closed"
    return replace(incident, status=status, reason=reason, updated_at=now)


def reopen(incident: Incident, reason: str, now: datetime) -> Incident:
    """It is open again, with the clock of its detection, as if nothing had been notified; the audit trail
    keeps what it was.

    Raises NotPossible where it is open.
    """
    if incident.status == "open":
        raise NotPossible(f"{incident.id} is open")
    return replace(
        incident,
        status="open",
        notified_at=None,
        reference=None,
        reason=reason,
        running_since=now,
        warned=None,
        updated_at=now,
    )


def differences(before: Incident, after: Incident) -> dict[str, Any]:
    """The new values of what changed, for the audit trail."""
    return {
        one.name: getattr(after, one.name)
        for one in fields(Incident)
        if one.name != "updated_at" and getattr(before, one.name) != getattr(after, one.name)
    }


def check_not_ahead(what: str, at: datetime, now: datetime) -> None:
    """Raise NotPossible for a time that is still to come."""
    if at > now:
        raise NotPossible(f"{what} on {at.isoformat(timespec='minutes')}: that is still to come")
