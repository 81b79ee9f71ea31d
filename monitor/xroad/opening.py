"""Takes a partition of X-Road records over from the database: for a lane of Kafka, or for a history file."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from monitor.events.pseudonym import Pseudonyms
from monitor.ledger.partition import Limits
from monitor.registry.registry import Registry
from monitor.registry.xroad import XroadNames
from monitor.xroad.book import RecordBook
from monitor.xroad.ledger import PairingLimits, XroadLedger
from monitor.xroad.store import XroadStore


class XroadParts(NamedTuple):
    """What all partitions share: the database, the registry as X-Road sees it, limits, and pseudonyms."""

    engine: Engine
    book: RecordBook
    names: XroadNames
    limits: Limits
    pairing: PairingLimits
    pseudonyms: Pseudonyms

    @classmethod
    def of(
        cls,
        engine: Engine,
        registry: Registry,
        zone: ZoneInfo,
        limits: Limits,
        pairing: PairingLimits,
        pseudonyms: Pseudonyms,
    ) -> XroadParts:
        """Make them of a registry; local days and hours are those of the zone."""
        names = XroadNames(registry.agencies, registry.services)
        return cls(engine, RecordBook(registry, zone), names, limits, pairing, pseudonyms)


def open_partition(
    parts: XroadParts, topic: str, partition: int, now: datetime
) -> tuple[XroadLedger, XroadStore]:
    """Take a partition over; raises sqlalchemy.exc.DBAPIError.

    Whoever drives it folds decoded bodies (monitor.xroad.decode) and writes what was taken; after each write,
    `ledger.settled()` and `ledger.forget(written.settled)`. At the end of a file nothing more can come from
    it: `ledger.tick` with a time later by more than the wait lets its last halves lapse.
    """
    store = XroadStore(
        parts.engine,
        topic,
        partition,
        parts.book,
        parts.names,
        parts.pairing,
        parts.limits.max_event_age,
    )
    # A half that comes again while, or soon after, its call waits must be known.
    window = max(parts.limits.dedupe_window, parts.pairing.wait)
    resumed = store.load(window, parts.limits.dedupe_max_ids, now)
    ledger = XroadLedger(
        parts.book,
        parts.names,
        parts.limits,
        parts.pairing,
        parts.pseudonyms,
        ids=resumed.ids,
        next_offset=resumed.next_offset,
        newest=resumed.newest,
        waiting=resumed.waiting,
        load_calls=store.calls,
    )
    return ledger, store
