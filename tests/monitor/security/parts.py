"""Security events as they reach a ledger, and a worker's part for one partition, for tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from monitor.events.kinds import label
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import Limits
from monitor.registry.registry import Registry
from monitor.security.ledger import SecurityLedger
from monitor.security.store import SecurityStore, SecurityWritten
from monitor.storage import tables
from monitor.storage.progress import Also
from tests.builders import MOMENT, Arrived, agency, limits, made

TOPIC = "security-events"
KEY = "a key of tests, 16 bytes or more"
NOW = MOMENT + timedelta(days=2)
STRANGER = "NOBODY"
REGISTRY: Registry = made(agencies=(agency("MPS"), agency("MOH", previous_codes=["GOV-M5"])), services=())

Given = SecurityEvent | Rejection


class Came(NamedTuple):
    """What arrived, and when."""

    decoded: Given
    arrived: datetime


class Feeding(SecurityLedger):
    """A ledger that numbers and times the events it is given by itself."""

    def feed(self, *events: Given, at: datetime | None = None) -> None:
        """Fold events as one batch, each arriving at its own time or all of them `at`."""
        times = [at or (one.time if isinstance(one, SecurityEvent) else MOMENT) for one in events]
        known = [time if isinstance(time, datetime) else MOMENT for time in times]
        self.fold(events, Arrived(len(events), first=max(self.next_offset, 0), times=known), max(known))


def ledger_of(key: str | None = KEY, **changes: Any) -> Feeding:
    """A ledger that begins."""
    held = limits(**changes)
    ids = IdMemory(held.dedupe_window, held.dedupe_max_ids)
    return Feeding(REGISTRY, held, ids, -1, None, Pseudonyms(key))


class Owner:
    """A worker's part for one partition: what it loads, folds and writes."""

    def __init__(
        self, engine: Engine, *, topic: str = TOPIC, partition: int = 0, key: str | None = KEY, **changes: Any
    ) -> None:
        held: Limits = limits(**changes)
        self.store = SecurityStore(engine, topic, partition)
        resumed = self.store.load(held.dedupe_window, held.dedupe_max_ids, NOW)
        self.ledger = SecurityLedger(
            REGISTRY, held, resumed.ids, resumed.next_offset, resumed.newest, Pseudonyms(key)
        )

    def fold(self, *events: Given, at: datetime = MOMENT) -> None:
        """Count events at the next offsets."""
        first = max(self.ledger.next_offset, 0)
        self.ledger.fold(events, Arrived(len(events), first=first, at=at), NOW)

    def commit(self, also: Sequence[Also] = ()) -> SecurityWritten:
        """Write what was counted."""
        written = self.store.write(self.ledger.take(), NOW, also)
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
    counts, events, rejected, gaps = (
        tables.security_counts,
        tables.security_events,
        tables.rejected,
        tables.gaps,
    )
    with engine.connect() as connection:

        def rows(table: Any) -> list[dict[str, Any]]:
            found = connection.execute(select(table).where(table.c.topic == topic)).mappings()
            return [dict(row) for row in found]

        return {
            "counts": {
                (row["hour"], row["agency"], row["kind"], row["severity"]): (
                    row["count"],
                    row["late"],
                    row["duplicates"],
                )
                for row in rows(counts)
            },
            "events": {row["source_offset"]: row["id"] for row in rows(events)},
            "rejected": {row["reason"]: row["count"] for row in rows(rejected)},
            "gaps": {row["name"]: row["count"] for row in rows(gaps)},
            "offset": [row["next_offset"] for row in rows(tables.offsets)],
        }


def recount(came: Sequence[Came]) -> dict[str, Any]:
    """The same, counted plainly; ids are remembered for ever."""
    counts: dict[tuple[Any, ...], list[int]] = {}
    events: dict[int, str] = {}
    rejected: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    seen: set[str] = set()
    newest: datetime | None = None
    for offset, (decoded, arrived) in enumerate(came):
        if isinstance(decoded, Rejection):
            rejected[decoded.reason] += 1
            continue
        time = decoded.time
        assert isinstance(time, datetime)
        if time > arrived + timedelta(minutes=5):
            rejected[Reason.IN_FUTURE] += 1
            continue
        if time < arrived - timedelta(days=90):
            rejected[Reason.TOO_OLD] += 1
            continue
        late = newest is not None and time < newest - timedelta(minutes=5)
        newest = time if newest is None else max(newest, time)
        code = {"GOV-M5": "MOH", STRANGER: "unregistered"}.get(decoded.agency, decoded.agency)
        hour = int(time.timestamp()) // 3600 * 3600
        cell = counts.setdefault((hour, code, label(decoded.kind), decoded.severity), [0, 0, 0])
        if decoded.id in seen:
            cell[2] += 1
            continue
        seen.add(decoded.id)
        events[offset] = decoded.id
        cell[0] += 1
        cell[1] += late
        if code == "unregistered":
            gaps[decoded.agency] += 1
    return {
        "counts": {key: tuple(cell) for key, cell in counts.items()},
        "events": events,
        "rejected": dict(rejected),
        "gaps": dict(gaps),
        "offset": [len(came) if came else -1],
    }
