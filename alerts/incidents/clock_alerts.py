"""The alerts of the clock, one an incident at a time: resolved when less time is left, or when somebody
notifies or decides, not by falling quiet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, and_

from alerts.incidents.clock import clock_groups, overtaken_groups
from alerts.incidents.model import Incident
from alerts.lifecycle import locked
from alerts.lifecycle.alert import Change, ChangeKind, alert_id, resolved
from alerts.lifecycle.book import AlertBook
from alerts.lifecycle.tables import alerts
from alerts.model import Detection, Group
from monitor.storage.rows import portions


def tell_of_clocks(
    connection: Connection, book: AlertBook, reached: Iterable[Detection], now: datetime
) -> list[Change]:
    """Open the alerts of what clocks have come to, and resolve what that overtakes; return what to tell."""
    found = list(reached)
    changes = book.write(connection, found, now)
    before = [group for each in found for group in overtaken_groups(each)]
    return changes + _resolve(connection, before, now, "less time is left")


def resolve_clock_alerts(connection: Connection, incident: Incident, now: datetime) -> list[Change]:
    """Resolve the open alerts of an incident's clock, in the caller's transaction; return what to tell."""
    return _resolve(connection, clock_groups(incident), now, f"{incident.id} is {incident.status}")


def _resolve(
    connection: Connection, of: Iterable[tuple[str, str, Group]], now: datetime, why: str
) -> list[Change]:
    ids = [alert_id(rule, agency, group) for rule, agency, group in of]
    changes: list[Change] = []
    for some in portions(ids):
        mine = and_(alerts.c.id.in_(some), alerts.c.state == "open")
        found = locked.locked_where(connection, mine, alerts.c.last_time, len(some))
        changes += [Change(ChangeKind.RESOLVED, resolved(one, now), now, note=why) for one in found]
    locked.put(connection, [change.alert for change in changes], changes)
    return changes
