"""Builders for the tests of the core: right as they stand, so that a test shows only what it changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.events.decode import Decoded, decode_one
from monitor.events.exchange import Exchange
from monitor.judging.book import Book
from monitor.judging.terms import Pair
from monitor.ledger.changes import Changes
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import Limits, PartitionLedger
from tests.monitor.registry.writing import AGENCIES, SERVICES, Values, agency, agreement, made, service

__all__ = [
    "AGENCIES",
    "MOMENT",
    "PAIR",
    "SERVICES",
    "ZONE",
    "Arrived",
    "agency",
    "agreement",
    "book_of",
    "exchange",
    "exchange_json",
    "ledger_of",
    "limits",
    "made",
    "ms",
    "service",
]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# The contract's example: a Monday, 15:15 in the zone.
MOMENT = datetime(2026, 10, 5, 8, 15, 30, 123000, tzinfo=UTC)
PAIR = Pair("MPS", "MOH", "population.verify-identity")
_MINIMAL = {
    "id": "01JD0M3Z9V6Q",
    "time": "2026-10-05T08:15:30.123Z",
    "provider": "MPS",
    "consumer": "MOH",
    "service": "population.verify-identity",
    "outcome": "ok",
    "duration_ms": 84.2,
}


def exchange_json(*, without: Any = (), **changes: Any) -> bytes:
    """The body of an exchange with the required fields; a datetime is written as RFC 3339."""
    values = {**_MINIMAL, **changes}
    for name in without:
        del values[name]
    return json.dumps(values, default=lambda value: value.isoformat(), ensure_ascii=False).encode()


def exchange(time: datetime | float = MOMENT, **changes: Any) -> Exchange:
    """An exchange that keeps the agreement of `book_of()`."""
    decoded = decode_one(exchange_json(**{"time": time, "purpose": "health-insurance", **changes}), ())
    assert isinstance(decoded, Exchange), decoded
    return decoded


def book_of(*agreements: Values, zone: ZoneInfo = ZONE, **registry: Any) -> Book:
    """A book of these agreements, or of one that is in force for all of 2026."""
    return Book(made(*(agreements or (agreement(),)), **registry), zone)


def ms(time: datetime) -> int:
    """Milliseconds since 1970."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


class Arrived:
    """Arrivals of events: offsets in a row, or those given, and when each reached the broker."""

    def __init__(
        self,
        count: int,
        *,
        first: int = 0,
        at: datetime = MOMENT,
        offsets: Sequence[int] | None = None,
        times: Sequence[datetime] | None = None,
    ) -> None:
        self._offsets = list(range(first, first + count)) if offsets is None else list(offsets)
        self._ms = [ms(at)] * count if times is None else [ms(time) for time in times]
        self.next_offset = self._offsets[-1] + 1 if self._offsets else first
        self.earliest_ms = min(self._ms, default=ms(at))
        self.latest_ms = max(self._ms, default=ms(at))

    def offset(self, index: int) -> int:
        """The offset of an event."""
        return self._offsets[index]

    def timestamp_ms(self, index: int) -> int:
        """When it arrived."""
        return self._ms[index]


def limits(**changes: Any) -> Limits:
    """Limits as the settings have them, but for `changes`."""
    given: Values = {
        "late_after": timedelta(minutes=5),
        "max_event_age": timedelta(days=90),
        "dedupe_window": timedelta(hours=1),
        "dedupe_max_ids": 500_000,
    }
    return Limits(**{**given, **changes})


class Folding(PartitionLedger):
    """A ledger that numbers and times the events it is given by itself, for tests that care for neither."""

    def feed(self, *decoded: Decoded, at: datetime | None = None) -> Changes:
        """Fold events as one batch, each arriving at its own time or all of them `at`; return the changes."""
        first = max(self.next_offset, 0)
        times = [at or (one.time if isinstance(one, Exchange) else MOMENT) for one in decoded]
        known = [time if isinstance(time, datetime) else MOMENT for time in times]
        self.fold(decoded, Arrived(len(decoded), first=first, times=known), max(known))
        return self.changes


def ledger_of(book: Book | None = None, **changes: Any) -> Folding:
    """A ledger that begins, with nothing in its database."""
    held = limits(**changes)
    ids = IdMemory(held.dedupe_window, held.dedupe_max_ids)
    return Folding(
        book or book_of(), held, ids=ids, next_offset=-1, newest=None, load_calls=lambda _begins, _ends: {}
    )
