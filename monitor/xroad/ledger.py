"""The ledger of one partition of X-Road records: lets halves meet, and counts calls as exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import cast

from msgspec.structs import replace

from monitor.events.exchange import Exchange
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import SecurityEvent
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.ledger.cell import CellKey
from monitor.ledger.changes import Changes, GapKey
from monitor.ledger.ids import IdMemory
from monitor.ledger.moment import CALENDAR_END, EPOCH, in_utc, moment
from monitor.ledger.partition import MAX_GAPS, OTHER_NAMES, Arrivals, Limits, PartitionLedger, Witnessed
from monitor.registry.xroad import MEMBER_GAP, SERVICE_GAP, XroadNames
from monitor.xroad import call as calls
from monitor.xroad.book import RecordBook
from monitor.xroad.call import Call
from monitor.xroad.causes import Cause
from monitor.xroad.changes import XroadChanges
from monitor.xroad.decode import Decoded, Problem
from monitor.xroad.half import Half
from monitor.xroad.pairing import Lapsed, Pairing, Waiting

# The halves have two clocks, and a server whose clock is wrong by hours is to be shown, not left out.
MAX_AHEAD = timedelta(days=1)
MAX_WAITING = 100_000  # halves in memory per partition, some 150 MB; beyond, the oldest lapse early
INNER_IDS = 2_000  # of the ledger of exchanges, which is only given calls that are known to be new
_MILLISECOND = timedelta(milliseconds=1)
_SECURITY = "security"  # beside the sides of a call: what its half that lapsed says of a failure


@dataclass(frozen=True, slots=True)
class PairingLimits:
    """How long a half waits for its partner, and how far apart two without `xRequestId` may have begun."""

    wait: timedelta
    window: timedelta = timedelta(minutes=1)
    most: int = MAX_WAITING


class XroadLedger:
    """Everything the worker holds in memory for one partition of X-Road records.

    Like other ledgers it is a function of the database state it was loaded from and of the records since: the
    time for which a half has waited is that of arrivals, and the clock's only where `tick` says so.
    `load_calls` is as in monitor.ledger.partition.PartitionLedger.
    """

    def __init__(
        self,
        book: RecordBook,
        names: XroadNames,
        limits: Limits,
        pairing: PairingLimits,
        pseudonyms: Pseudonyms,
        *,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        waiting: Iterable[Waiting],
        load_calls: Callable[[int, int], Mapping[Pair, int]],
    ) -> None:
        self.book = book
        self.names = names
        self.limits = limits
        self.ids = ids
        waiting = list(waiting)
        wait_ms, window_ms = pairing.wait // _MILLISECOND, pairing.window // _MILLISECOND
        self.pairing = Pairing(wait_ms, window_ms, pairing.most, waiting)
        self._seconds: set[str] = (
            set()
        )  # halves that wait, but whose partners have lapsed: the transaction sees
        self._marks: list[str] = []  # that lapsed halves leave: written with the next id, as ids have offsets
        self._pseudonyms = pseudonyms
        self.next_offset = next_offset
        self._inner = PartitionLedger(
            book, limits, ids=IdMemory(limits.dedupe_window, INNER_IDS), next_offset=0, newest=newest,
            load_calls=load_calls,
        )  # fmt: skip
        # Failures that are a security matter since this was last emptied, each with its time in milliseconds
        # since 1970, at most that of its arrival; None: not kept. Most are told by the client's half, whether
        # the other ever comes or not.
        self.secured: list[tuple[SecurityEvent, int]] | None = None
        self._now_ms = max((each.arrived_ms for each in waiting), default=0)
        self.changes = self._begin()

    @property
    def witnessed(self) -> list[Witnessed] | None:
        """Calls as they were judged, in order, since this was last emptied; None: not kept.

        Those of one half are among them once that has waited in vain; its partner, if it comes, adds nothing.
        """
        return self._inner.witnessed

    @witnessed.setter
    def witnessed(self, kept: list[Witnessed] | None) -> None:
        self._inner.witnessed = kept

    @property
    def now(self) -> datetime:
        """The newest arrival, or what `tick` said."""
        return moment(self._now_ms)

    @property
    def dirty(self) -> bool:
        """Whether there is something to write although no record came: halves that lapsed with time."""
        return bool(self.changes.lapsed or self.changes.done)

    def take(self) -> XroadChanges:
        """Hand over what was counted since the last call, and count on from zero."""
        taken, told = self.changes, self._inner.take()
        told.next_offset, told.newest, told.events = self.next_offset, self._inner.newest, taken.events
        told.rejected, told.rejections = taken.rejected, taken.rejections
        told.ids, told.id_state = taken.ids, self.ids.state
        told.gaps = _renamed(told.gaps, taken.gaps)
        taken.ledger = told
        self.changes = self._begin()
        return taken

    def settled(self) -> None:
        """Note that all that was taken is in the database."""
        self._inner.settled()

    def forget(self, keys: Iterable[str]) -> None:
        """Note that halves were settled by the transaction: their partners had lapsed before."""
        for key in keys:
            self.pairing.drop(key)
            self._seconds.discard(key)

    def fold(self, decoded: Sequence[Decoded], arrivals: Arrivals, now: datetime) -> None:
        """Take in a batch of bodies; `now` bounds what a lying broker timestamp could claim.

        Bodies before `next_offset` were counted already and are passed over.
        """
        over: list[Call | Lapsed] = []
        for index, body in enumerate(decoded):
            offset = arrivals.offset(index)
            if offset < self.next_offset:
                continue
            arrived = min(moment(arrivals.timestamp_ms(index)), now)
            self._now_ms = max(self._now_ms, (arrived - EPOCH) // _MILLISECOND)
            self._lapse(over)
            problems: list[Problem] = []
            for place, half in enumerate(body.halves):
                problem = self._problem_with(half, arrived)
                if problem is None:
                    self._take_in(half, offset, over)
                else:
                    problems.append((place, problem))
            rejection = body.refused(problems)
            self.changes.events += len(body.halves) + body.bad
            if rejection is not None:
                self._reject(offset, rejection)
        self._count(over)
        self.next_offset = max(self.next_offset, arrivals.next_offset)
        self.changes.next_offset = self.next_offset

    def tick(self, now: datetime) -> None:
        """All that the broker has was taken in: let time pass for the halves that wait."""
        self._now_ms = max(self._now_ms, (now - EPOCH) // _MILLISECOND)
        over: list[Call | Lapsed] = []
        self._lapse(over)
        self._count(over)

    def _begin(self) -> XroadChanges:
        return XroadChanges(self.next_offset, Changes(self.next_offset))

    def _problem_with(self, half: Half, arrived: datetime) -> Rejection | None:
        time = moment(half.begun)
        if time > arrived + MAX_AHEAD:
            return Rejection(Reason.IN_FUTURE, f"its time is {time - arrived} ahead of its arrival")
        if time < arrived - self.limits.max_event_age:
            return Rejection(Reason.TOO_OLD, f"its time is {arrived - time} before its arrival")
        return None

    def _take_in(self, half: Half, offset: int, over: list[Call | Lapsed]) -> None:
        key, changes = half.key, self.changes
        if key in self.ids.seen or key in self.pairing:
            changes.figures.count(self.cell(Call.of(half)), calls.DUPLICATE.format(half.side))
            changes.noted[calls.DUPLICATE.format(half.side)] += 1
            return
        self._remember(key, offset)
        if half.actor is not None:
            half = replace(half, actor=self._pseudonyms.of_value(half.actor))
        changes.halves[half.side, self._whose(half)] += 1
        partner = self.pairing.partner(half)
        seen = self.ids.seen
        second = partner is None and half.request_id is not None and f"{half.call}/{half.other_side}" in seen
        # Whether the half that lapsed has told of the failure, or has left that to the producer's.
        noted = second and f"{half.call}/{_SECURITY}" in seen
        if noted if half.side == "producer" else not noted:
            self._secure(half, half.cause)
        if partner is None:
            self.pairing.keep(Waiting(half, self._now_ms))
            changes.wait(key, Waiting(half, self._now_ms))
            if second:
                self._seconds.add(key)
        else:
            self.changes.no_longer(partner.key)
            over.append(Call.of(half, partner))

    def _remember(self, key: str, offset: int) -> None:
        ids, now = self.ids, moment(self._now_ms)
        if ids.rotates_at is None:
            ids.rotates_at = now + ids.window
        elif now >= ids.rotates_at or len(ids.current) >= max(ids.max_ids // 2, 1):
            ids.rotate(offset, now)
        ids.seen.add(key)
        keys = [key, *self._marks]
        self._marks.clear()
        ids.current += keys
        self.changes.ids.setdefault(ids.generation, []).extend(keys)

    def _lapse(self, over: list[Call | Lapsed]) -> None:
        for each in self.pairing.lapse(self._now_ms):
            if isinstance(each, Lapsed):
                self.changes.no_longer(each.waiting.half.key)
                over.append(each)
                self._note_gaps(each.waiting.half)
                self._secure_lapsed(each.waiting.half)
                continue
            for half in each:
                if half is not None:
                    self.changes.no_longer(half.key)
            over.append(each)
            self.changes.noted["second_way"] += 1

    def _count(self, over: Iterable[Call | Lapsed]) -> None:
        """Judge and count calls of which both halves are here, as any other exchange; number those of one."""
        exchanges: list[Exchange] = []
        figures, noted = self.changes.figures, self.changes.noted
        for call in over:
            if isinstance(call, Lapsed):
                self.changes.lapsed.append(self._one_sided(call, exchanges))
                continue
            found = calls.measured(call)
            exchange = calls.exchange_of(call, found, self.names)
            exchanges.append(exchange)
            cell = self.cell(call, exchange)
            calls.note(figures, call, found, cell.pair)
            calls.note_skew(figures, call, found)
            figures.count(cell, "joined")
            noted["joined"] += 1
            if call.client is not None and call.client.cause is not call.cause:
                self._secure(call.client, call.cause)
            if calls.differs(call):
                figures.count(cell, calls.DIFFERENT)
        self._judge(exchanges)

    def _judge(self, exchanges: list[Exchange]) -> None:
        """Judge and count exchanges, and empty the list."""
        for ahead, some in groupby(exchanges, self._ahead):
            calls_of_it, newest = list(some), self._inner.newest
            arrivals = _AtTheirTime(calls_of_it, self._inner.next_offset)
            self._inner.fold(calls_of_it, arrivals, CALENDAR_END)
            if ahead:
                self._inner.newest = newest
        exchanges.clear()

    def _ahead(self, exchange: Exchange) -> bool:
        """Whether a call says to be of later than now: beside it no other must look late."""
        return cast(float, exchange.time) > self._now_ms

    def _one_sided(self, lapsed: Lapsed, before: list[Exchange]) -> Lapsed:
        """Number a call of which one half came, and show it to rules, after the calls `before` it.

        The transaction counts it. Where two halves may be of one call, as nothing tells, they have no number,
        and only the client's are shown.
        """
        half = lapsed.waiting.half
        if half.key in self._seconds:
            self._seconds.remove(half.key)
            return lapsed
        call = Call.of(half)
        exchange = calls.exchange_of(call, calls.measured(call), self.names)
        terms = self.book.terms(exchange.provider, exchange.consumer, exchange.service, call.hour)
        if terms.calls_per_day is not None and not half.call.startswith("~"):
            self._judge(before)
            lapsed = lapsed._replace(calls=self._inner.count_call(terms.pair, call.hour))
        if self.witnessed is not None and (lapsed.alone or half.side == "client"):
            self._judge(before)
            _, breaches = self.book.judged(exchange, half.begun, lapsed.calls)
            self.witnessed.append((exchange, moment(half.begun), terms.pair, breaches))
        return lapsed

    def cell(self, call: Call, exchange: Exchange | None = None) -> CellKey:
        """The cell that a call is counted in."""
        exchange = exchange or calls.exchange_of(call, calls.measured(call), self.names)
        terms = self.book.terms(exchange.provider, exchange.consumer, exchange.service, call.hour)
        return CellKey(call.hour, terms.pair)

    def _secure(self, half: Half, cause: Cause) -> bool:
        """Tell rules of a failure, if it is a security matter; return whether it is."""
        if self.secured is None:
            return False
        event = calls.security_event(half, cause, self.names)
        if event is None:
            return False
        self.secured.append((event, min(half.begun, self._now_ms)))
        return True

    def _secure_lapsed(self, half: Half) -> None:
        """Tell rules what only a producer's half tells; remember what its partner must, or need not, tell."""
        if half.key in self._seconds:
            return  # it was told, or left out, when it came
        if half.side == "producer":
            noted = self._secure(half, half.cause)
        else:
            noted = self.secured is not None and half.cause is Cause.OTHER
        if noted and half.request_id is not None:
            mark = f"{half.call}/{_SECURITY}"
            self.ids.seen.add(mark)
            self._marks.append(mark)

    def _whose(self, half: Half) -> str:
        party = half.client if half.side == "client" else half.service
        return self.names.agency(*party) or UNREGISTERED

    def _note_gaps(self, half: Half) -> None:
        """Note names of a half that lapsed: those of joined ones the ledger of exchanges notes."""
        exchange = calls.exchange_of(Call.of(half), calls.measured(Call.of(half)), self.names)
        terms = self.book.terms(exchange.provider, exchange.consumer, exchange.service, 0)
        gaps = self.changes.gaps
        for kind, name, held in (
            ("agency", exchange.provider, terms.pair.provider != UNREGISTERED),
            ("agency", exchange.consumer, terms.pair.consumer != UNREGISTERED),
            ("service", exchange.service, exchange.service in self.book.registry.services),
        ):
            if not held:
                key = GapKey(kind, name.replace("\0", "\ufffd"))
                if key not in gaps and len(gaps) >= MAX_GAPS:
                    key = GapKey(kind, OTHER_NAMES)
                gaps[key] = gaps.get(key, 0) + 1

    def _reject(self, offset: int, rejection: Rejection) -> None:
        changes = self.changes
        changes.rejected[rejection.reason] = changes.rejected.get(rejection.reason, 0) + 1
        changes.rejections.append((offset, rejection))


class _AtTheirTime:
    """Arrivals of calls, each at its own time: the times of their halves were checked before."""

    def __init__(self, exchanges: Sequence[Exchange], first: int) -> None:
        self._ms = [(in_utc(each.time) - EPOCH) // _MILLISECOND for each in exchanges]
        self._first = first
        self.next_offset = first + len(exchanges)
        self.earliest_ms, self.latest_ms = min(self._ms), max(self._ms)

    def offset(self, index: int) -> int:
        """A number of its own for each."""
        return self._first + index

    def timestamp_ms(self, index: int) -> int:
        """When it came: at its time."""
        return self._ms[index]


def _renamed(*found: Mapping[GapKey, int]) -> dict[GapKey, int]:
    """Names as X-Road has them are another kind of gap than agencies' codes and services' ids."""
    gaps: dict[GapKey, int] = {}
    for each in found:
        for (kind, name), count in each.items():
            if name == UNREGISTERED:
                continue  # a record that does not say who
            key = GapKey(MEMBER_GAP if kind == "agency" else SERVICE_GAP, name)
            gaps[key] = gaps.get(key, 0) + count
    return gaps
