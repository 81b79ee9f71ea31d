"""Steps of dossiers as people send them, and a worker's part for one partition, for tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from monitor.calendar.working import WorkingDays
from monitor.dossiers.changes import DossierChanges
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.ledger import DossierLedger
from monitor.dossiers.rules import QualityRules
from monitor.dossiers.store import DossierStore, DossiersWritten
from monitor.dossiers.sums import read_sums
from monitor.dossiers.tables import dossier_cells, dossiers
from monitor.events.dossier import DossierEvent, decode_one_dossier
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Rejection
from monitor.registry.registry import Registry
from monitor.storage import tables
from tests.builders import MOMENT, SERVICES, ZONE, Arrived, agency, limits, made

TOPIC = "dossiers"
NOW = MOMENT + timedelta(days=200)
ARRIVED = MOMENT + timedelta(days=80)
STRANGER = "NOBODY"
REGISTRY: Registry = made(
    agencies=(agency("MPS"), agency("VSS"), agency("MOH", previous_codes=["GOV-M5"])), services=SERVICES
)
RULES = QualityRules(groups={"birth": ("1.00*",)})
TERMS = QualityTerms(RULES, WorkingDays(), ZONE)
OURS = [tables.offsets, tables.seen_ids, tables.rejected, tables.gaps, dossiers, dossier_cells]

Given = DossierEvent | Rejection


class Came(NamedTuple):
    """What arrived, and when."""

    decoded: Given
    arrived: datetime


def dossier_json(*, without: Sequence[str] = (), **changes: Any) -> bytes:
    """The body of a dossier's first step; a datetime is written as RFC 3339."""
    values = {
        "id": "D-1",
        "time": MOMENT,
        "agency": "MOH",
        "dossier": "H26.12-1",
        "step": "received",
        "procedure": "1.001193",
        "promised": "2026-10-12",
        **changes,
    }
    for name in without:
        del values[name]
    return json.dumps(values, default=lambda value: value.isoformat(), ensure_ascii=False).encode()


def dossier(step: str = "received", time: datetime | str = MOMENT, **changes: Any) -> DossierEvent:
    """A step as it is decoded; fails where it would be a dead letter."""
    given = changes if step == "received" else {"without": ["procedure", "promised"], **changes}
    decoded = decode_one_dossier(dossier_json(step=step, time=time, **given), ())
    assert isinstance(decoded, DossierEvent), decoded
    return decoded


class Owner:
    """A worker's part for one partition: what it loads, folds and writes."""

    def __init__(
        self,
        engine: Engine,
        *,
        topic: str = TOPIC,
        partition: int = 0,
        terms: QualityTerms = TERMS,
        registry: Registry = REGISTRY,
        **changes: Any,
    ) -> None:
        held = limits(**changes)
        self.store = DossierStore(engine, topic, partition, registry, terms)
        resumed = self.store.load(held.dedupe_window, held.dedupe_max_ids, NOW)
        self.ledger = DossierLedger(
            registry, held, resumed.ids, resumed.next_offset, resumed.newest, Pseudonyms(None)
        )

    def fold(self, *events: Given, at: datetime = ARRIVED) -> DossierChanges:
        """Count events at the next offsets."""
        first = max(self.ledger.next_offset, 0)
        self.ledger.fold(events, Arrived(len(events), first=first, at=at), NOW)
        return self.ledger.changes

    def commit(self) -> DossiersWritten:
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
    """Everything the database holds of a topic, in plain values; cells of 0 are as good as none."""
    with engine.connect() as connection:

        def rows(table: Any) -> Iterator[dict[str, Any]]:
            found = connection.execute(select(table).where(table.c.topic == topic)).mappings()
            return (dict(row) for row in found)

        return {
            "cells": {
                (row["day"], row["agency"], row["procedures"], row["measure"]): row["count"]
                for row in rows(dossier_cells)
                if row["count"]
            },
            "dossiers": {(row["agency"], row["dossier"]) for row in rows(dossiers)},
            "rejected": {row["reason"]: row["count"] for row in rows(tables.rejected)},
            "gaps": {row["name"]: row["count"] for row in rows(tables.gaps)},
            "offset": [row["next_offset"] for row in rows(tables.offsets)],
        }


def sums_of(engine: Engine, first: date, last: date, today: date) -> dict[str, dict[str, int]]:
    """What `read_sums` says of each agency, over all groups of procedures."""
    with engine.connect() as connection:
        found = read_sums(connection, REGISTRY, first, last, today)
    return {code: dict(sum(groups.values(), Counter())) for code, groups in found.items()}
