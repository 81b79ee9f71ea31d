"""What ledgers share whose events are checked one by one: offsets, times, ids, gaps and rejections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from monitor.events.exchange import Time
from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.judging.terms import UNREGISTERED
from monitor.ledger.changes import GapKey
from monitor.ledger.ids import NO_IDS, IdMemory, IdState
from monitor.ledger.moment import in_utc, moment
from monitor.ledger.partition import MAX_AHEAD, MAX_GAPS, OTHER_NAMES, Arrivals, Limits
from monitor.registry.registry import Registry


@dataclass(slots=True)
class SingleChanges:
    """Deltas since the last commit, and the offset up to which they reach.

    `duplicates` came again and are not counted; `late` are those counted long after newer ones.
    The rest is as in monitor.ledger.changes.
    """

    next_offset: int
    newest: datetime | None = None
    id_state: IdState = NO_IDS
    events: int = 0
    duplicates: int = 0
    late: int = 0
    gaps: dict[GapKey, int] = field(default_factory=dict)
    rejected: dict[Reason, int] = field(default_factory=dict)
    ids: dict[int, list[str]] = field(default_factory=dict)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    ages: list[tuple[datetime, int]] = field(default_factory=list)
    held_bytes: int = 0


class SingleEvent(Protocol):
    """What every such event has; `time` has an offset, or is milliseconds since 1970."""

    id: str
    time: Time
    agency: str


E = TypeVar("E", bound=SingleEvent)
C = TypeVar("C", bound=SingleChanges)


class SingleLedger(ABC, Generic[E, C]):
    """Everything the worker holds in memory for one partition of such events.

    Like monitor.ledger.partition.PartitionLedger it is a function of the database state that it was loaded
    from and of the events since, however they are cut into batches. Pseudonyms are made of the names of
    unknown agencies alone, where one may be a person's.
    """

    tells_ages: ClassVar[bool] = True
    """Whether the metric of event age looks at these events."""

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        pseudonyms: Pseudonyms,
        begin: Callable[[int, datetime | None], C],
    ) -> None:
        """`begin` makes changes that hold nothing yet, from the next offset and the newest event time."""
        self.registry = registry
        self.limits = limits
        self.ids = ids
        self.next_offset = next_offset
        self.newest = newest
        self.changes = begin(next_offset, newest)
        self._begin = begin
        self._pseudonyms = pseudonyms

    @abstractmethod
    def accept(self, event: E, agency: str, time: datetime, offset: int) -> None:
        """Count an event that came for the first time; `agency` is the registry's code, or UNREGISTERED."""

    def take(self) -> C:
        """Hand over what was counted since the last call, and count on from zero."""
        taken, self.changes = self.changes, self._begin(self.next_offset, self.newest)
        taken.id_state = self.ids.state
        return taken

    def settled(self) -> None:
        """Note that all that was taken is in the database: nothing here depends on it."""

    def fold(self, decoded: Sequence[E | Rejection], arrivals: Arrivals, now: datetime) -> None:
        """Check and count a batch; `now` bounds what a lying broker timestamp could claim.

        Events before `next_offset` were counted already and are passed over.
        """
        changes = self.changes
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
        self.next_offset = max(self.next_offset, arrivals.next_offset)
        changes.next_offset = self.next_offset
        changes.newest = self.newest

    def _problem_with(self, time: datetime, timestamp_ms: int, now: datetime) -> Rejection | None:
        """Why an event of that time, which arrived then, is not counted."""
        arrived = min(moment(timestamp_ms), now)
        if time > arrived + MAX_AHEAD:
            return Rejection(Reason.IN_FUTURE, f"its time is {time - arrived} ahead of its arrival")
        if time < arrived - self.limits.max_event_age:
            return Rejection(Reason.TOO_OLD, f"its time is {arrived - time} before its arrival")
        return None

    def _count(self, event: E, time: datetime, offset: int) -> None:
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
        if event.id in ids.seen:
            changes.duplicates += 1
            return
        ids.seen.add(event.id)
        ids.current.append(event.id)
        changes.ids.setdefault(ids.generation, []).append(event.id)
        changes.late += late
        agency = self.registry.canonical.get(event.agency, UNREGISTERED)
        if agency == UNREGISTERED:
            self.note_gap("agency", self._pseudonyms.of_name(event.agency))
        self.accept(event, agency, time, offset)
        if self.tells_ages:
            changes.ages.append((time, 1))

    def note_gap(self, kind: str, name: str) -> None:
        """Note a name that the registry lacks, in a bounded memory. PostgreSQL keeps no NUL in a text."""
        gaps = self.changes.gaps
        key = GapKey(kind, name.replace("\0", "\ufffd"))
        if key not in gaps and len(gaps) >= MAX_GAPS:
            key = GapKey(kind, OTHER_NAMES)
        gaps[key] = gaps.get(key, 0) + 1

    def _reject(self, offset: int, rejection: Rejection) -> None:
        changes = self.changes
        changes.rejected[rejection.reason] = changes.rejected.get(rejection.reason, 0) + 1
        changes.rejections.append((offset, rejection))
