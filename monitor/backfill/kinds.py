"""The kinds of history: how each is decoded, where it is counted, and what a transaction added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace
from sqlalchemy import Engine, Table

from monitor.backfill.batch import Batch
from monitor.backfill.decoding import decoding_with, exchanges_of
from monitor.events.decode import Decoded
from monitor.events.exchange import Exchange, Time
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security import decode_security
from monitor.events.security_event import SecurityEvent
from monitor.judging.book import Book
from monitor.ledger.partition import Arrivals, Limits, PartitionLedger
from monitor.security.ledger import SecurityLedger
from monitor.security.store import SecurityStore
from monitor.settings import Settings
from monitor.storage import tables
from monitor.storage.partition import HOUR_S, PartitionStore
from monitor.storage.progress import Also
from monitor.xroad.call import DUPLICATE
from monitor.xroad.changes import XroadChanges
from monitor.xroad.decode import Decoded as Records
from monitor.xroad.decode import decode_records
from monitor.xroad.half import SIDES
from monitor.xroad.ledger import PairingLimits
from monitor.xroad.opening import XroadParts, open_partition
from monitor.xroad.store import XroadWritten

# Lines of a file need not be in the order of their times: none is late.
_NEVER_LATE = timedelta(days=366 * 100)
_A_MOMENT = timedelta(seconds=1)
_HOUR_MS = HOUR_S * 1000


class Counted(Protocol):
    """What a ledger counted since the last transaction, as far as a backfill looks into it."""

    next_offset: int
    rejected: dict[Reason, int]
    rejections: list[tuple[int, Rejection]]


class Ledger(Protocol):
    """Everything held in memory of one file."""

    next_offset: int

    @property
    def changes(self) -> Any:
        """What was counted since `take` was last called."""

    def fold(self, decoded: Sequence[Any], arrivals: Arrivals, now: datetime) -> None:
        """Count a batch; what lies before `next_offset` is passed over."""

    def take(self) -> Any:
        """Hand over what was counted, and count on from zero."""

    def settled(self) -> None:
        """Note that all that was taken is in the database."""


class Store(Protocol):
    """The file's rows, written in one transaction."""

    def write(self, changes: Any, now: datetime, also: Sequence[Also] = ()) -> Any:
        """Move the offset by compare-and-set, write, and commit; return what was written."""


Inside = Callable[[Time], bool]
"""Whether a time, as an event has it, is to be counted."""

# What the settling of late halves calls it when a call that was counted from one side is completed.
COMPLETED = ("joined_late", "joined_late_elsewhere")


class Added(NamedTuple):
    """What one transaction added.

    Of calls over X-Road, `alone` of those that were counted are known from one side, and `completed` ones
    were counted before and are known from both sides now.
    """

    counted: int
    duplicates: int
    alone: int = 0
    completed: int = 0


def _nothing_waits(_now: datetime) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's partition, taken over from the database.

    `added(written)` is told of each transaction. `finish(now)` says that nothing more comes from the file,
    and returns whether there is something to write for that reason.
    """

    ledger: Ledger
    store: Store
    added: Callable[[Any], Added]
    finish: Callable[[datetime], bool] = _nothing_waits


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of history.

    `decode` makes one event of each record; those of the type `plain` are certain to be good, and of others
    `refusal(event)` says whether nothing in it is; `refused(rejection)` makes an event of that.
    `trimmed(event, inside)` is what of a good event is of times that are `inside`, None where nothing is, and
    how many of its records are of others. `hours(changes)` are the hours that changes touch (epoch seconds),
    `by_hour` the table that reports sum them from, with the columns `hour` and `topic`. `open(topic, now)`
    raises sqlalchemy.exc.DBAPIError.
    """

    name: str
    one: str
    decode: Callable[[Batch], Sequence[Any]]
    plain: type
    refusal: Callable[[Any], Rejection | None]
    refused: Callable[[Rejection], Any]
    trimmed: Callable[[Any, Inside], tuple[Any, int]]
    open: Callable[[str, datetime], Opened]
    hours: Callable[[Any], Iterable[int]]
    by_hour: Table


def kinds_of(settings: Settings, engine: Engine, book: Book, max_age: timedelta) -> Mapping[str, Kind]:
    """The kinds by name; an event older than `max_age` is rejected."""
    pseudonyms = Pseudonyms.of(settings)
    limits = Limits(
        late_after=_NEVER_LATE,
        max_event_age=max_age,
        dedupe_window=settings.dedupe_window,
        dedupe_max_ids=settings.dedupe_max_ids,
    )
    exchanges = Kind(
        name="exchanges",
        one="an exchange",
        decode=exchanges_of,
        plain=Exchange,
        refusal=_itself,
        refused=_itself,
        trimmed=_whole,
        open=lambda topic, now: _open_exchanges(engine, book, limits, topic, now),
        hours=lambda changes: changes.tallies,
        by_hour=tables.cells,
    )
    security = Kind(
        name="security-events",
        one="a security event",
        decode=decoding_with(decode_security),
        plain=SecurityEvent,
        refusal=_itself,
        refused=_itself,
        trimmed=_whole,
        open=lambda topic, now: _open_security(engine, book, limits, pseudonyms, topic, now),
        hours=lambda changes: {key.hour for key in changes.counts},
        by_hour=tables.security_counts,
    )
    pairing = PairingLimits(settings.xroad_wait)
    parts = XroadParts.of(engine, book.registry, settings.zone, limits, pairing, pseudonyms)
    records = Kind(
        name="xroad-records",
        one="an X-Road record",
        decode=decoding_with(decode_records),
        plain=_NoneIsCertain,
        refusal=lambda event: None if event.halves else event.rejection,
        refused=lambda rejection: Records([], rejection, 1),
        trimmed=_some_halves,
        open=lambda topic, now: _open_records(parts, topic, now),
        hours=_hours_of_calls,
        by_hour=tables.cells,
    )
    return {kind.name: kind for kind in (exchanges, security, records)}


class _NoneIsCertain:
    """The type of no event."""


def _itself(event: Any) -> Rejection | None:
    return event if isinstance(event, Rejection) else None


def _whole(event: Any, inside: Inside) -> tuple[Any, int]:
    return (event, 0) if inside(event.time) else (None, 1)


def _some_halves(event: Records, inside: Inside) -> tuple[Records | None, int]:
    kept = [inside(float(half.begun)) for half in event.halves]
    outside = kept.count(False)
    if not outside:
        return event, 0
    if outside == len(kept) and event.rejection is None:
        return None, outside
    halves, places = list(compress(event.halves, kept)), list(compress(event.places, kept))
    return replace(event, halves=halves, places=places), outside


def _hours_of_calls(changes: XroadChanges) -> set[int]:
    lapsed = {each.waiting.half.begun // _HOUR_MS * HOUR_S for each in changes.lapsed}
    return lapsed | changes.ledger.tallies.keys()


def _open_records(parts: XroadParts, topic: str, now: datetime) -> Opened:
    ledger, store = open_partition(parts, topic, 0, now)

    def added(written: XroadWritten) -> Added:
        ledger.forget(written.settled)
        repeated = sum(written.noted[DUPLICATE.format(side)] for side in SIDES)
        counted = sum(cell.exchanges for _, cell in written.additions)
        return Added(counted, repeated, len(written.orphans), sum(written.noted[how] for how in COMPLETED))

    def finish(now: datetime) -> bool:
        # Their partners may be in another file, and join when that is counted; none comes from this one.
        ledger.tick(now + parts.pairing.wait + _A_MOMENT)
        return ledger.dirty

    return Opened(ledger, store, added, finish)


class _HistoryLedger(PartitionLedger):
    """Counts as any partition does; how old its events are is of no interest."""

    def _sample_ages(self, decoded: Sequence[Decoded]) -> None:
        pass


def _open_exchanges(engine: Engine, book: Book, limits: Limits, topic: str, now: datetime) -> Opened:
    store = PartitionStore(engine, topic, 0)
    resumed = store.load(limits.dedupe_window, limits.dedupe_max_ids, now)
    ledger = _HistoryLedger(
        book,
        limits,
        ids=resumed.ids,
        next_offset=resumed.next_offset,
        newest=resumed.newest,
        load_calls=store.calls,
    )

    def added(written: Any) -> Added:
        cells = [cell for _, cell in written.additions]
        return Added(sum(cell.exchanges for cell in cells), sum(cell.duplicates for cell in cells))

    return Opened(ledger, store, added)


def _open_security(
    engine: Engine, book: Book, limits: Limits, pseudonyms: Pseudonyms, topic: str, now: datetime
) -> Opened:
    store = SecurityStore(engine, topic, 0)
    resumed = store.load(limits.dedupe_window, limits.dedupe_max_ids, now)
    ledger = SecurityLedger(
        book.registry, limits, resumed.ids, resumed.next_offset, resumed.newest, pseudonyms
    )

    def added(written: Any) -> Added:
        counts = [count for _, count in written.counts]
        return Added(sum(count.count for count in counts), sum(count.duplicates for count in counts))

    return Opened(ledger, store, added)
