"""Lifecycle events as they are read back: what states and duties are worked out from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select, tuple_

from monitor.events.lifecycle_event import CONNECTION_KINDS, KINDS, REQUEST_KINDS
from monitor.registry.registry import Registry
from monitor.storage.tables import lifecycle_events

CLOSING_KINDS = ("answered", "corrected")
OTHER_KINDS = tuple(kind for kind in KINDS if kind not in REQUEST_KINDS)
MOST = 50_000  # events read at once, some 20 MB: what is beyond is told as `unread`, the oldest first


class Recorded(NamedTuple):
    """A lifecycle event under the present code of its agency; its fields are those of LifecycleEvent."""

    time: datetime
    agency: str
    kind: str
    agreement: str | None = None
    service: str | None = None
    request: str | None = None
    due: date | None = None
    limit: str | None = None

    @property
    def about_connection(self) -> bool:
        """Whether it changes the state of the agency's connection."""
        return self.kind in CONNECTION_KINDS and self.agreement is None and self.service is None


class Read(NamedTuple):
    """Events by time, and how many there are beyond the bound."""

    events: list[Recorded]
    unread: int


def read_lifecycle(
    connection: Connection, registry: Registry, now: datetime, requests_since: datetime, most: int = MOST
) -> Read:
    """Read the events up to `now` that matter.

    Those are all but requests' own; of requests those since a time, and what was asked for before it and is
    settled since, or still open. An agency that has another code since counts under its present one; of one
    that the registry does not hold nothing is kept. At most `most` of each of these sorts are read, the
    newest. Raises sqlalchemy.exc.DBAPIError.
    """
    events, closing = lifecycle_events.c, lifecycle_events.alias().c
    closes = closing.kind.in_(CLOSING_KINDS)
    settled = (
        select(closing.id)
        .where(closing.agency == events.agency, closing.request == events.request)
        .where(closes, closing.time <= now)
    )
    settled_lately = select(closing.agency, closing.request).where(
        closes, closing.time >= requests_since, closing.time <= now
    )
    asked_before = and_(events.kind == "requested", events.time < requests_since)
    sorts = (
        and_(events.kind.in_(OTHER_KINDS), events.time <= now),
        and_(events.kind.in_(REQUEST_KINDS), events.time >= requests_since, events.time <= now),
        and_(asked_before, tuple_(events.agency, events.request).in_(settled_lately)),
        and_(asked_before, not_(settled.exists())),
    )
    found: list[Recorded] = []
    unread = 0
    for condition in sorts:
        part, beyond = _read(connection, condition, most)
        found += _known(part, registry)
        unread += beyond
    return Read(sorted(found, key=lambda each: each.time), unread)


def _read(connection: Connection, condition: ColumnElement[bool], most: int) -> tuple[list[Recorded], int]:
    events = lifecycle_events.c
    columns = [events[name] for name in Recorded._fields]
    query = select(*columns).where(condition)
    # Ties are broken by what orders rows alike on every database.
    query = query.order_by(events.time.desc(), events.topic, events.partition, events.source_offset.desc())
    rows = [Recorded(*row) for row in connection.execute(query.limit(most))]
    rows.reverse()
    if len(rows) < most:
        return rows, 0
    total = connection.execute(
        select(func.count()).select_from(lifecycle_events).where(condition)
    ).scalar_one()
    return rows, total - len(rows)


def _known(events: Iterable[Recorded], registry: Registry) -> list[Recorded]:
    canonical = registry.canonical
    return [each._replace(agency=canonical[each.agency]) for each in events if each.agency in canonical]
