"""Lifecycle events as people send them, and a worker's part for one partition, for tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from monitor.events.lifecycle import LifecycleEvent, decode_one_lifecycle
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.lifecycle.changes import LifecycleChanges
from monitor.lifecycle.ledger import LifecycleLedger
from monitor.lifecycle.store import LifecycleStore, LifecycleWritten
from monitor.registry.registry import Registry
from monitor.storage import tables
from tests.builders import MOMENT, SERVICES, Arrived, agency, limits, made

TOPIC = "lifecycle-events"
NOW = MOMENT + timedelta(days=2)
STRANGER = "NOBODY"
REGISTRY: Registry = made(
    agencies=(agency("MPS"), agency("VSS"), agency("MOH", previous_codes=["GOV-M5"])), services=SERVICES
)

Given = LifecycleEvent | Rejection


class Came(NamedTuple):
    """What arrived, and when."""

    decoded: Given
    arrived: datetime


def lifecycle_json(*, without: Sequence[str] = (), **changes: Any) -> bytes:
    """The body of a lifecycle event with the required fields; a datetime is written as RFC 3339."""
    values = {"id": "L-1", "time": MOMENT, "agency": "MOH", "kind": "cleared", **changes}
    for name in without:
        del values[name]
    return json.dumps(values, default=lambda value: value.isoformat(), ensure_ascii=False).encode()


def lifecycle(kind: str = "cleared", time: datetime | str = MOMENT, **changes: Any) -> LifecycleEvent:
    """A lifecycle event as it is decoded; fails where it would be a dead letter."""
    decoded = decode_one_lifecycle(lifecycle_json(kind=kind, time=time, **changes), ())
    assert isinstance(decoded, LifecycleEvent), decoded
    return decoded


class Owner:
    """A worker's part for one partition: what it loads, folds and writes."""

    def __init__(self, engine: Engine, *, topic: str = TOPIC, partition: int = 0, **changes: Any) -> None:
        held = limits(**changes)
        self.store = LifecycleStore(engine, topic, partition)
        resumed = self.store.load(held.dedupe_window, held.dedupe_max_ids, NOW)
        self.ledger = LifecycleLedger(
            REGISTRY, held, resumed.ids, resumed.next_offset, resumed.newest, Pseudonyms(None)
        )

    def fold(self, *events: Given, at: datetime = MOMENT) -> LifecycleChanges:
        """Count events at the next offsets."""
        first = max(self.ledger.next_offset, 0)
        self.ledger.fold(events, Arrived(len(events), first=first, at=at), NOW)
        return self.ledger.changes

    def commit(self) -> LifecycleWritten:
        """Write what was counted."""
        written = self.store.write(self.ledger.take(), NOW)
        self.ledger.settled()
        return written


def play(
    engine: Engine, topic: str, came: Sequence[Came], plan: Sequence[tuple[int, str]], **changes: Any
) -> dict[str, Any]:
    """Count events as a worker would, in batches as planned, and return what the database holds then.

    Each step of the plan takes so many events and then commits, crashes (all since the last commit is read
    again by a new owner), re-reads two events (as after a seek), or just goes on.
    """
    owner = Owner(engine, topic=topic, **changes)
    position = 0
    for size, then in (*plan, (len(came), "commit")):
        batch = came[position : position + size]
        if batch:
            arrivals = Arrived(len(batch), first=position, times=[one.arrived for one in batch])
            owner.ledger.fold([one.decoded for one in batch], arrivals, NOW)
            position += len(batch)
        if then == "commit" and owner.ledger.next_offset >= 0:
            owner.commit()
        elif then == "crash":
            owner = Owner(engine, topic=topic, **changes)
            position = max(owner.ledger.next_offset, 0)
        elif then == "reread":
            position = max(position - 2, 0)
    return held(engine, topic)


def held(engine: Engine, topic: str = TOPIC) -> dict[str, Any]:
    """Everything the database holds of a topic, in plain values."""

    with engine.connect() as connection:

        def rows(table: Any) -> list[dict[str, Any]]:
            found = connection.execute(select(table).where(table.c.topic == topic)).mappings()
            return [dict(row) for row in found]

        return {
            "events": {
                row["source_offset"]: (row["id"], row["agency"], row["kind"], row["time"])
                for row in rows(tables.lifecycle_events)
            },
            "rejected": {row["reason"]: row["count"] for row in rows(tables.rejected)},
            "gaps": {row["name"]: row["count"] for row in rows(tables.gaps)},
            "offset": [row["next_offset"] for row in rows(tables.offsets)],
        }


def recount(came: Sequence[Came]) -> dict[str, Any]:
    """The same, told plainly; ids are remembered for ever."""
    events: dict[int, tuple[str, str, str, datetime]] = {}
    rejected: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    seen: set[str] = set()
    for offset, (decoded, arrived) in enumerate(came):
        if isinstance(decoded, Rejection):
            rejected[decoded.reason] += 1
            continue
        time = decoded.time
        assert isinstance(time, datetime)
        if time > arrived + timedelta(minutes=5):
            rejected[Reason.IN_FUTURE] += 1
        elif time < arrived - timedelta(days=90):
            rejected[Reason.TOO_OLD] += 1
        elif decoded.id not in seen:
            seen.add(decoded.id)
            code = {"GOV-M5": "MOH", STRANGER: "unregistered"}.get(decoded.agency, decoded.agency)
            events[offset] = (decoded.id, code, decoded.kind, time)
            if code == "unregistered":
                gaps[decoded.agency] += 1
    return {
        "events": events,
        "rejected": dict(rejected),
        "gaps": dict(gaps),
        "offset": [len(came) if came else -1],
    }
