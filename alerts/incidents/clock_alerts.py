"""The end of the clock's alerts: resolved when somebody notifies or decides, not by falling quiet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_

from alerts.incidents.clock import clock_groups
from alerts.incidents.model import Incident
from alerts.lifecycle import locked
from alerts.lifecycle.alert import Change, ChangeKind, alert_id, resolved
from alerts.lifecycle.tables import alerts


def resolve_clock_alerts(connection: Connection, incident: Incident, now: datetime) -> list[Change]:
    """Resolve the open alerts of an incident's clock, in the caller's transaction; return what to tell."""
    ids = [alert_id(rule, agency, group) for rule, agency, group in clock_groups(incident)]
    mine = and_(alerts.c.id.in_(ids), alerts.c.state == "open")
    found = locked.locked_where(connection, mine, alerts.c.last_time, len(ids))
    changes = [
        Change(ChangeKind.RESOLVED, resolved(one, now), now, note=f"{incident.id} is {incident.status}")
        for one in found
    ]
    locked.put(connection, [change.alert for change in changes], changes)
    return changes
