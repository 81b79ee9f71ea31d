"""The ledger of one partition of security events: checks each, makes pseudonyms of people, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from monitor.events.kinds import label
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import UNKNOWN_AGENCY, SecurityEvent
from monitor.judging.terms import UNREGISTERED
from monitor.ledger.changes import GapKey
from monitor.ledger.ids import IdMemory
from monitor.ledger.moment import EPOCH, in_utc, moment
from monitor.ledger.partition import MAX_AHEAD, MAX_GAPS, OTHER_NAMES, Arrivals, Limits
from monitor.registry.registry import Registry
from monitor.security.changes import CountKey, SecurityChanges, SecurityCount

AGE_SAMPLES = 50  # events per batch whose age is measured; the others are assumed to be like them
# What an event takes in memory without its detail, and each of its details; measured on events as simulated.
EVENT_BYTES, DETAIL_BYTES = 700, 150
_MILLISECOND = timedelta(milliseconds=1)
_HOUR_S = 3600


class SecurityLedger:
    """Everything the worker holds in memory for one partition of security events.

    Like monitor.ledger.partition.PartitionLedger it is a function of the database state that it was loaded
    from and of the events since, however they are cut into batches.
    """

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        pseudonyms: Pseudonyms,
    ) -> None:
        self.registry = registry
        self.limits = limits
        self.ids = ids
        self.next_offset = next_offset
        self.newest = newest
        self.changes = SecurityChanges(next_offset, newest)
        self._pseudonyms = pseudonyms

    def take(self) -> SecurityChanges:
        """Hand over what was counted since the last call, and count on from zero."""
        taken, self.changes = self.changes, SecurityChanges(self.next_offset, self.newest)
        taken.id_state = self.ids.state
        return taken

    def settled(self) -> None:
        """Note that all that was taken is in the database: nothing here depends on it."""

    def fold(self, decoded: Sequence[SecurityEvent | Rejection], arrivals: Arrivals, now: datetime) -> None:
        """Check and count a batch; `now` bounds what a lying broker timestamp could claim.

        Events before `next_offset` were counted already and are passed over.
        """
        changes, pseudonyms = self.changes, self._pseudonyms
        withheld, dropped = pseudonyms.withheld, pseudonyms.dropped
        step = max(len(decoded) // AGE_SAMPLES, 1)
        for index, event in enumerate(decoded):
            offset = arrivals.offset(index)
            if offset < self.next_offset:
                continue
            if offset >= self.ids.full_at_offset:
                self.ids.rotate(offset, self.newest)
            changes.events += 1
            if isinstance(event, Rejection):
                self._reject(offset, event)
                continue
            time = in_utc(event.time)
            problem = self._problem_with(time, arrivals.timestamp_ms(index), now)
            if problem is not None:
                self._reject(offset, problem)
                continue
            self._count(event, time, offset)
            if index % step == 0:
                changes.ages.append((time, step))
        self.next_offset = max(self.next_offset, arrivals.next_offset)
        changes.next_offset = self.next_offset
        changes.newest = self.newest
        changes.withheld += pseudonyms.withheld - withheld
        changes.dropped += pseudonyms.dropped - dropped

    def _problem_with(self, time: datetime, timestamp_ms: int, now: datetime) -> Rejection | None:
        """Why an event of that time, which arrived then, is not counted."""
        arrived = min(moment(timestamp_ms), now)
        if time > arrived + MAX_AHEAD:
            return Rejection(Reason.IN_FUTURE, f"its time is {time - arrived} ahead of its arrival")
        if time < arrived - self.limits.max_event_age:
            return Rejection(Reason.TOO_OLD, f"its time is {arrived - time} before its arrival")
        return None

    def _count(self, event: SecurityEvent, time: datetime, offset: int) -> None:
        changes, ids = self.changes, self.ids
        late = False
        if self.newest is None or time > self.newest:
            self.newest = time
            if ids.rotates_at is None:
                ids.rotates_at = time + ids.window
            elif time >= ids.rotates_at:
                ids.rotate(offset, time)
        elif time < self.newest - self.limits.late_after:
            late = True
        agency = self._agency(event)
        hour = int((time - EPOCH).total_seconds()) // _HOUR_S * _HOUR_S
        key = CountKey(hour, agency, label(event.kind), event.severity)
        count = changes.counts.get(key)
        if count is None:
            count = changes.counts[key] = SecurityCount()
        if event.id in ids.seen:
            count.duplicates += 1
            count.last_time = max(count.last_time, time)
            return
        ids.seen.add(event.id)
        ids.current.append(event.id)
        changes.ids.setdefault(ids.generation, []).append(event.id)
        count.count += 1
        count.late += late
        count.last_time = max(count.last_time, time)
        if agency == UNREGISTERED:
            self._note_gap(event)
        known = self._pseudonyms.of_event(replace(event, agency=agency, time=time, claims=()))
        changes.accepted.append((known, (time - EPOCH) // _MILLISECOND))
        changes.offsets.append(offset)
        changes.held_bytes += EVENT_BYTES + DETAIL_BYTES * len(known.detail or ())

    def _agency(self, event: SecurityEvent) -> str:
        """The registry's code for the first of an event's names that it knows."""
        canonical = self.registry.canonical
        for name in (event.agency, *event.claims):
            code = canonical.get(name)
            if code is not None:
                return code
        return UNREGISTERED

    def _note_gap(self, event: SecurityEvent) -> None:
        """Note a name that the registry lacks, but none that may be a person's."""
        if event.agency == UNKNOWN_AGENCY:
            return
        gaps = self.changes.gaps
        key = GapKey("agency", self._pseudonyms.of_name(event.agency).replace("\0", "\ufffd"))
        if key not in gaps and len(gaps) >= MAX_GAPS:
            key = GapKey("agency", OTHER_NAMES)
        gaps[key] = gaps.get(key, 0) + 1

    def _reject(self, offset: int, rejection: Rejection) -> None:
        changes = self.changes
        changes.rejected[rejection.reason] = changes.rejected.get(rejection.reason, 0) + 1
        changes.rejections.append((offset, rejection))
