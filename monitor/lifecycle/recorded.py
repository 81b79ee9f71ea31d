"""Lifecycle events as they are read back: what states and duties are worked out from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, not_, or_, select

from monitor.events.lifecycle_event import CONNECTION_KINDS, REQUEST_KINDS
from monitor.registry.registry import Registry
from monitor.storage.tables import lifecycle_events

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
    """Read the events up to `now` that matter: of requests, those since a time, and those still open.

    An agency that has another code since counts under its present one; of one that the registry does not
    hold nothing is read. At most `most` of each sort are read, the newest. Raises DBAPIError.
    """
    events = lifecycle_events
    closing = events.alias()
    settled = (
        select(closing.c.id)
        .where(
            closing.c.agency == events.c.agency,
            closing.c.request == events.c.request,
            closing.c.kind.in_(("answered", "corrected")),
            closing.c.time <= now,
        )
        .exists()
    )
    of_requests = events.c.kind.in_(REQUEST_KINDS)
    recent = or_(events.c.time >= requests_since, and_(events.c.kind == "requested", not_(settled)))
    # Of a request that was made long ago and answered lately, the beginning is needed too.
    answered_lately = (
        select(closing.c.id)
        .where(
            closing.c.agency == events.c.agency,
            closing.c.request == events.c.request,
            closing.c.kind.in_(("answered", "corrected")),
            closing.c.time.between(requests_since, now),
        )
        .exists()
    )
    found: list[Recorded] = []
    unread = 0
    for condition in (not_(of_requests), and_(of_requests, or_(recent, answered_lately))):
        part, beyond = _read(connection, and_(events.c.time <= now, condition), most)
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
