"""What one partition of security events has counted since its last commit: the content of one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.events.rejection import Reason, Rejection
from monitor.events.security_event import SecurityEvent
from monitor.ledger.changes import GapKey
from monitor.ledger.ids import NO_IDS, IdState
from monitor.ledger.tally import LONG_AGO


class CountKey(NamedTuple):
    """Where an event is counted: the UTC hour's start in epoch seconds, whose it is, and what.

    `agency` and `kind` are bounded: by the registry, and by the kinds that are listed.
    """

    hour: int
    agency: str
    kind: str
    severity: int


@dataclass(slots=True)
class SecurityCount:
    """How many came; `late` of them long after newer ones; `duplicates` came again and are not among them."""

    count: int = 0
    late: int = 0
    duplicates: int = 0
    last_time: datetime = LONG_AGO

    def plus(self, other: SecurityCount) -> SecurityCount:
        """A new count that holds both."""
        return SecurityCount(
            self.count + other.count,
            self.late + other.late,
            self.duplicates + other.duplicates,
            max(self.last_time, other.last_time),
        )


@dataclass(slots=True)
class SecurityChanges:
    """Deltas since the last commit, and the offset up to which they reach.

    `accepted` are the events to store and to detect in, with their times in milliseconds since 1970, and
    `offsets` says where each stood; their agencies are the registry's and their people pseudonyms.
    `held_bytes` is what they take in memory, roughly. `withheld` and `dropped` count values of people that
    were replaced for want of a key, and values of `detail` that were left out. The rest is as in
    monitor.ledger.changes.
    """

    next_offset: int
    newest: datetime | None = None
    id_state: IdState = NO_IDS
    events: int = 0
    counts: dict[CountKey, SecurityCount] = field(default_factory=dict)
    accepted: list[tuple[SecurityEvent, int]] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    held_bytes: int = 0
    withheld: int = 0
    dropped: int = 0
    gaps: dict[GapKey, int] = field(default_factory=dict)
    rejected: dict[Reason, int] = field(default_factory=dict)
    ids: dict[int, list[str]] = field(default_factory=dict)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    ages: list[tuple[datetime, int]] = field(default_factory=list)
