"""A second way to count: plainly, event by event, with none of the ledger's code, to check it against."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from monitor.events.decode import Decoded
from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason, Rejection
from monitor.judging.book import Book
from monitor.ledger import histogram
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import Limits, PartitionLedger
from monitor.storage import tables
from monitor.storage.partition import PartitionStore
from tests.builders import PAIR, SERVICES, ZONE, Arrived, agreement, book_of

QUOTA = 3
BASE = datetime(2026, 10, 5, 16, 20, tzinfo=UTC)  # 23:20 in the zone: the day ends soon
NOW = BASE + timedelta(days=2)
SLOW_MS = 100.0
FORBIDDEN = ("MPS", "VSS", PAIR.service)  # known names, no agreement
STRANGER = ("MPS", "NOBODY", PAIR.service)


class Event(NamedTuple):
    """What arrived, and when."""

    decoded: Decoded
    arrived: datetime


def recount_book() -> Book:
    """One agreement with a quota and a purpose, for a service with a latency objective.

    An objective of its own could never alert at so few calls, and the registry would refuse it.
    """
    clauses: dict[str, Any] = {"ceilings": {"calls_per_day": QUOTA}}
    slow = {"objectives": {"latency": {"limit_ms": SLOW_MS}}}
    services = [{**one, **slow} if one["id"] == PAIR.service else one for one in SERVICES]
    return book_of(agreement(**clauses), services=services)


def play(
    engine: Engine, topic: str, events: Sequence[Event], limits: Limits, plan: Sequence[tuple[int, str]] = ()
) -> dict[str, Any]:
    """Count events as a worker would, in batches as planned, and return what the database holds then.

    Each step of the plan takes so many events and then commits, crashes (all since the last commit is
    read again by a new owner), re-reads two events (as after a seek), or just goes on.
    """
    book = recount_book()

    def owner() -> tuple[PartitionStore, PartitionLedger]:
        store = PartitionStore(engine, topic, 0)
        resumed = store.load(limits.dedupe_window, limits.dedupe_max_ids, NOW)
        ids: IdMemory = resumed.ids
        return store, PartitionLedger(
            book,
            limits,
            ids=ids,
            next_offset=resumed.next_offset,
            newest=resumed.newest,
            load_calls=store.calls,
        )

    store, ledger = owner()
    position = 0
    for size, then in (*plan, (len(events), "commit")):
        batch = events[position : position + size]
        if batch:
            arrivals = Arrived(len(batch), first=position, times=[event.arrived for event in batch])
            ledger.fold([event.decoded for event in batch], arrivals, NOW)
            position += len(batch)
        if then == "commit" and ledger.next_offset >= 0:
            store.write(ledger.take(), NOW)
            ledger.settled()
        elif then == "crash":
            store, ledger = owner()
            position = max(ledger.next_offset, 0)
        elif then == "reread":
            position = max(position - 2, 0)
    return held(engine, topic)


def held(engine: Engine, topic: str) -> dict[str, Any]:
    """Everything the database holds of a topic, in plain values."""
    found: dict[str, Any] = {"cells": {}, "findings": {}, "rejected": {}, "gaps": {}}
    with engine.connect() as connection:
        for row in connection.execute(select(tables.cells).where(tables.cells.c.topic == topic)).mappings():
            values = {k: v for k, v in row.items() if k not in _KEY}
            values["latency"] = histogram.decode(row["latency"])
            found["cells"][row["hour"], row["provider"], row["consumer"], row["service"]] = values
        for row in connection.execute(
            select(tables.findings).where(tables.findings.c.topic == topic)
        ).mappings():
            key = (row["hour"], row["provider"], row["consumer"], row["service"], row["breach"])
            found["findings"][key] = {k: v for k, v in row.items() if k not in _KEY}
        for row in connection.execute(
            select(tables.rejected).where(tables.rejected.c.topic == topic)
        ).mappings():
            found["rejected"][row["reason"]] = row["count"]
        for row in connection.execute(select(tables.gaps).where(tables.gaps.c.topic == topic)).mappings():
            found["gaps"][row["kind"], row["name"]] = row["count"]
        offsets = select(tables.offsets).where(tables.offsets.c.topic == topic)
        state = dict(connection.execute(offsets).mappings().one())
        found["state"] = {name: value for name, value in state.items() if name != "updated_at"}
    return found


_KEY = {"hour", "provider", "consumer", "service", "breach", "topic", "partition"}
_UNKNOWN = "unregistered"


def recount(events: Sequence[Event]) -> dict[str, Any]:
    """The same totals, counted plainly; ids are remembered for ever."""
    cells: defaultdict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    breaches: Counter[tuple[Any, ...]] = Counter()
    rejected: Counter[str] = Counter()
    durations: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    calls: Counter[Any] = Counter()
    seen: set[str] = set()
    newest: datetime | None = None
    for decoded, arrived in events:
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
        consumer = _UNKNOWN if decoded.consumer == STRANGER[1] else decoded.consumer
        hour = int(time.timestamp()) // 3600 * 3600
        key = (hour, decoded.provider, consumer, decoded.service)
        late = newest is not None and time < newest - timedelta(minutes=5)
        newest = time if newest is None else max(newest, time)
        cell = cells[key]
        if decoded.id in seen:
            cell["duplicates"] += 1
            breaches[*key, "duplicate_id"] += 1
            continue
        seen.add(decoded.id)
        found = _breaches(decoded, consumer, calls, time)
        for breach in found:
            breaches[*key, breach] += 1
        cell["breached"] += bool(found)
        cell["late"] += late
        cell[decoded.outcome] += 1
        cell["records"] += decoded.records
        cell["response_bytes"] += decoded.response_bytes
        agreed = consumer == "MOH"
        cell["slow"] += agreed and decoded.outcome == "ok" and decoded.duration_ms > SLOW_MS
        durations[key].append(math.floor(decoded.duration_ms * 1000 + 0.5))
    totals = {}
    for key, cell in cells.items():
        taken = durations[key]
        ends = (min(taken, default=None), max(taken, default=0))
        totals[key] = (dict(+cell), sum(taken), *ends, len(taken))
    return {"cells": totals, "breaches": dict(breaches), "rejected": dict(rejected)}


def _breaches(one: Exchange, consumer: str, calls: Counter[Any], time: datetime) -> list[str]:
    if consumer == _UNKNOWN:
        return ["unknown_agency"]
    if consumer == FORBIDDEN[1]:
        return ["no_agreement"]
    found = [] if one.purpose == "health-insurance" else ["purpose_not_permitted"]
    day = time.astimezone(ZONE).date()
    calls[day] += 1
    return found + (["quota_exceeded"] if calls[day] > QUOTA else [])


def as_recounted(found: dict[str, Any]) -> dict[str, Any]:
    """What the database holds, in the form of `recount`."""
    names = (
        "ok",
        "fault",
        "denied",
        "timeout",
        "records",
        "response_bytes",
        "slow",
        "breached",
        "late",
        "duplicates",
    )
    cells = {}
    for key, row in found["cells"].items():
        counts = {name: row[name] for name in names if row[name]}
        ends = (row["shortest_us"], row["longest_us"])
        cells[key] = (counts, row["duration_us"], *ends, sum(row["latency"].values()))
    breaches = {key: row["count"] for key, row in found["findings"].items()}
    return {"cells": cells, "breaches": breaches, "rejected": found["rejected"]}
