"""The ledger of one partition: takes decoded events in their order, judges and counts each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from monitor.events.decode import Decoded
from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason, Rejection
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.judge import LONGEST_ABSENT, judge_done, judge_said
from monitor.judging.terms import UNREGISTERED, Breaches, Pair, Usage
from monitor.ledger.changes import Changes, GapKey
from monitor.ledger.finding import SAMPLES, Finding, FindingKey
from monitor.ledger.ids import IdMemory
from monitor.ledger.moment import EPOCH, in_utc, moment
from monitor.ledger.tally import LONG_AGO, Tally

HOUR = timedelta(hours=1)
MAX_AHEAD = timedelta(minutes=5)  # the contract's limit for an event's time ahead of its arrival
AGE_SAMPLES = 50  # events per batch whose age is measured; the others are assumed to be like them
MAX_GAPS = 1000  # unregistered names told apart between two commits; a flood beyond counts as "(others)"

USAGE_DAYS = 3  # local days of calls kept in memory; an older one is read again when a late event needs it
OTHER_NAMES = "(others)"
_CAME_AGAIN: Breaches = (Breach.DUPLICATE_ID,)
_NO_FIELD_LIST = Rejection(Reason.INVALID_FIELD, "Expected a list of names - at `$.fields`")

Names = tuple[str, str, str]  # provider, consumer and service, as they stand on an exchange
Witnessed = tuple[Exchange, datetime, Pair, Breaches]  # what was judged, and how


class Arrivals(Protocol):
    """What the ledger must know of a batch beside its events."""

    next_offset: int
    earliest_ms: int
    latest_ms: int

    def offset(self, index: int) -> int:
        """The offset of the event at an index."""

    def timestamp_ms(self, index: int) -> int:
        """When the event at an index reached the broker, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings that the ledger keeps to."""

    late_after: timedelta
    max_event_age: timedelta
    dedupe_window: timedelta
    dedupe_max_ids: int


class PartitionLedger:
    """Everything the worker holds in memory for one partition.

    It is a function of the database state it was loaded from and of the events since: folding the same
    events again after a restart gives the same figures, however they are cut into batches.
    `load_calls(begins, ends)` is asked, once per local day, for the calls that the database has in the hours
    between (epoch seconds); whatever it raises leaves the ledger unusable: drop it and load it anew.
    """

    def __init__(
        self,
        book: Book,
        limits: Limits,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        load_calls: Callable[[int, int], Mapping[Pair, int]],
    ) -> None:
        self.book = book
        self.limits = limits
        self.ids = ids
        self.next_offset = next_offset
        self.newest = newest
        # What was judged since this list was last emptied, in order, with what came again; None: not kept.
        self.witnessed: list[Witnessed] | None = None
        self.changes = Changes(next_offset, newest)
        self._load_calls = load_calls
        self._usages: dict[int, dict[Pair, Usage]] = {}  # by the local day's first hour
        self._called: set[int] = set()  # days of which calls were counted that are in no tally, since `take`
        self._hour = 0
        self._begins = self._ends = (
            EPOCH  # bounds within which an event needs no look at its time; empty: none
        )
        self._earliest = self._latest = EPOCH  # what every event of the batch may have as its time
        self._tallies: dict[Names, Tally] = {}  # of the hour of the last event, by names as they came
        self._hours: dict[int, dict[Names, Tally]] = {}

    def take(self) -> Changes:
        """Hand over what was counted since the last call, and count on from zero."""
        taken, self.changes = self.changes, Changes(self.next_offset, self.newest)
        taken.id_state = self.ids.state
        self._called = set()
        self._hours = {}
        self._begins = self._ends = EPOCH
        return taken

    def settled(self) -> None:
        """Note that all that was taken is in the database: days of calls can be read from there again."""
        touched = {self.book.day_begins(hour) for hour in self.changes.tallies} | self._called
        for day in sorted(self._usages)[:-USAGE_DAYS]:
            if day not in touched:
                del self._usages[day]

    def count_call(self, pair: Pair, hour: int) -> int:
        """Count a call that is judged elsewhere towards its pair's local day; return which of them it is."""
        self._called.add(self.book.day_begins(hour))
        usage = self._usage(pair, hour)
        usage.calls += 1
        return usage.calls

    def fold(self, decoded: Sequence[Decoded], arrivals: Arrivals, now: datetime) -> None:
        """Judge and count a batch; `now` bounds what a lying broker timestamp could claim.

        Events before `next_offset` were counted already and are passed over.
        """
        start, count = 0, len(decoded)
        while start < count and arrivals.offset(start) < self.next_offset:
            start += 1
        self._begins = self._ends = EPOCH
        self._latest = min(moment(arrivals.earliest_ms), now) + MAX_AHEAD
        self._earliest = min(moment(arrivals.latest_ms), now) - self.limits.max_event_age
        while start < count:
            stop = count
            while arrivals.offset(stop - 1) >= self.ids.full_at_offset and stop > start:
                stop -= 1
            if stop == start:
                self.ids.rotate(arrivals.offset(start), self.newest)
            else:
                self._fold_run(decoded, start, stop, arrivals, now)
                start = stop
        self.next_offset = max(self.next_offset, arrivals.next_offset)
        self.changes.next_offset = self.next_offset
        self.changes.newest = self.newest

    def _fold_run(
        self, decoded: Sequence[Decoded], start: int, stop: int, arrivals: Arrivals, now: datetime
    ) -> None:
        """The way of every exchange. Names are local because this loop is most of the worker's work."""
        ids, changes = self.ids, self.changes
        newest = self.newest or LONG_AGO
        seen, remember, rotates_at = ids.seen, ids.current.append, ids.rotates_at
        accepted = changes.ids.setdefault(ids.generation, [])
        late_after, late_before = self.limits.late_after, None
        joined = b"".join  # makes bytes of JSON left as it was at half the price of bytes()
        begins, ends, tallies = self._begins, self._ends, self._tallies
        witnessed = self.witnessed
        for index in range(start, stop):
            exchange = decoded[index]
            if type(exchange) is Rejection:
                self._reject(arrivals.offset(index), exchange)
                continue
            time = exchange.time
            if type(time) is not datetime or time.tzinfo is not UTC:
                time = in_utc(time)
            if not begins <= time < ends:
                problem = self._enter_hour(time, arrivals.timestamp_ms(index), now)
                if problem is not None:
                    self._reject(arrivals.offset(index), problem)
                    continue
                begins, ends, tallies = self._begins, self._ends, self._tallies
            names = (exchange.provider, exchange.consumer, exchange.service)
            tally = tallies.get(names)
            if tally is None:
                tally = self._open(names)
                # The registry's own names, which all hours share, stay in the processor's cache.
                tallies[tally.pair if tally.pair == names else names] = tally
            said = (exchange.purpose, joined((exchange.fields,)), exchange.signed)
            breaches = tally.verdicts.get(said)
            if breaches is None:
                breaches = judge_said(said, tally.terms)
                if breaches is None:
                    self._reject(arrivals.offset(index), _NO_FIELD_LIST)
                    continue
            late = False
            if time > newest:
                newest = self.newest = time
                late_before = None
                if rotates_at is None:
                    rotates_at = ids.rotates_at = time + ids.window
                elif time >= rotates_at:
                    ids.rotate(arrivals.offset(index), time)
                    remember, rotates_at = ids.current.append, ids.rotates_at
                    accepted = changes.ids.setdefault(ids.generation, [])
            else:
                if late_before is None:
                    late_before = newest - late_after
                late = time < late_before
            identity = exchange.id
            if identity in seen:
                tally.duplicates += 1
                self._find(Breach.DUPLICATE_ID, exchange, time, tally)
                if witnessed is not None:
                    witnessed.append((exchange, time, tally.pair, _CAME_AGAIN))
                continue
            seen.add(identity)
            remember(identity)
            accepted.append(identity)
            if tally.metered:
                calls = 0
                usage = tally.usage
                if usage is not None:
                    calls = usage.calls = usage.calls + 1
                if (
                    exchange.records > tally.most_records
                    or calls > tally.most_calls
                    or tally.timed
                    or (tally.case_required and len(exchange.case) <= LONGEST_ABSENT)
                ):
                    seconds = (time - EPOCH).total_seconds() - self._hour
                    breaches += judge_done(exchange, tally.terms, seconds, calls)
            if breaches:
                tally.breached += 1
                for breach in breaches:
                    self._find(breach, exchange, time, tally)
            if witnessed is not None:
                witnessed.append((exchange, time, tally.pair, breaches))
            if exchange.outcome == "ok":
                tally.answered.append(exchange.duration_ms)
            else:
                tally.unanswered.append((exchange.outcome, exchange.duration_ms))
            tally.records += exchange.records
            tally.request_bytes += exchange.request_bytes
            tally.response_bytes += exchange.response_bytes
            if time > tally.last_time:  # noqa: PLR1730  # max() costs a call for each exchange
                tally.last_time = time
            if late:
                tally.late += 1
        changes.events += stop - start
        self._sample_ages(decoded[start:stop])

    def _sample_ages(self, decoded: Sequence[Decoded]) -> None:
        step = max(len(decoded) // AGE_SAMPLES, 1)
        for exchange in decoded[::step]:
            if isinstance(exchange, Exchange):
                time = in_utc(exchange.time)
                if self._earliest <= time <= self._latest:  # else it was hardly counted
                    self.changes.ages.append((time, step))

    def _enter_hour(self, time: datetime, timestamp_ms: int, now: datetime) -> Rejection | None:
        """Make `time`'s hour the current one, unless the event came too early or too late to be counted."""
        arrived = min(moment(timestamp_ms), now)
        if time > arrived + MAX_AHEAD:
            return Rejection(Reason.IN_FUTURE, f"its time is {time - arrived} ahead of its arrival")
        if time < arrived - self.limits.max_event_age:
            return Rejection(Reason.TOO_OLD, f"its time is {arrived - time} before its arrival")
        start = time.replace(minute=0, second=0, microsecond=0)
        self._hour = int((start - EPOCH).total_seconds())
        # An event that only its own arrival time allows leaves the bounds empty: the next is looked at too.
        self._begins = max(start, self._earliest)
        self._ends = min(start + HOUR, self._latest)
        self._tallies = self._hours.setdefault(self._hour, {})
        return None

    def _open(self, names: Names) -> Tally:
        """The tally for names as they came; names that the registry does not hold share one."""
        terms = self.book.terms(*names, self._hour)
        tallies = self.changes.tallies.setdefault(self._hour, {})
        tally = tallies.get(terms.pair)
        if tally is None:
            usage = None if terms.calls_per_day is None else self._usage(terms.pair, self._hour)
            tally = tallies[terms.pair] = Tally(terms, usage)
        return tally

    def _usage(self, pair: Pair, hour: int) -> Usage:
        """The pair's calls in the local day of an hour, counted on from the database."""
        day = self.book.day_begins(hour)
        usages = self._usages.get(day)
        if usages is None:
            calls = self._load_calls(day, self.book.day_ends(day))
            usages = self._usages[day] = {known: Usage(count) for known, count in calls.items()}
        return usages.setdefault(pair, Usage())

    def _find(self, breach: Breach, exchange: Exchange, time: datetime, tally: Tally) -> None:
        pair, denied = tally.terms.pair, exchange.outcome == "denied"
        finding = self.changes.findings.get(FindingKey(self._hour, pair, breach))
        if finding is None:
            self.changes.findings[FindingKey(self._hour, pair, breach)] = Finding(
                1, int(denied), time, time, (exchange.id,), tally.terms.agreement, tally.terms.version
            )
        else:
            finding.count += 1
            finding.denied += denied
            finding.first_time = min(finding.first_time, time)
            finding.last_time = max(finding.last_time, time)
            if len(finding.samples) < SAMPLES:
                finding.samples += (exchange.id,)
        if breach in (Breach.UNKNOWN_AGENCY, Breach.UNKNOWN_SERVICE):
            self._note_gaps(exchange, pair)

    def _note_gaps(self, exchange: Exchange, pair: Pair) -> None:
        """Note the names that the registry lacks; a service asked of another's provider is none of them."""
        gaps = self.changes.gaps
        for kind, name, held in (
            ("agency", exchange.provider, pair.provider != UNREGISTERED),
            ("agency", exchange.consumer, pair.consumer != UNREGISTERED),
            ("service", exchange.service, exchange.service in self.book.registry.services),
        ):
            if not held:
                key = GapKey(kind, name.replace("\0", "\ufffd"))  # PostgreSQL keeps no NUL in a text
                if key not in gaps and len(gaps) >= MAX_GAPS:
                    key = GapKey(kind, OTHER_NAMES)
                gaps[key] = gaps.get(key, 0) + 1

    def _reject(self, offset: int, rejection: Rejection) -> None:
        changes = self.changes
        changes.rejected[rejection.reason] = changes.rejected.get(rejection.reason, 0) + 1
        changes.rejections.append((offset, rejection))
