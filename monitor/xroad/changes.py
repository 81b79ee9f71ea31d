"""What one partition of X-Road records has counted since its last commit: the content of one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from monitor.events.rejection import Reason, Rejection
from monitor.ledger.changes import Changes, GapKey
from monitor.xroad.figures import Figures
from monitor.xroad.pairing import Lapsed, Waiting

HALF_BYTES = 1_500  # a half in memory with its key, roughly


@dataclass(slots=True)
class XroadChanges:
    """Deltas since the last commit, and the offset up to which they reach.

    `events` are records. `waits` are halves that began to wait, `done` keys of stored ones that wait no more,
    `lapsed` halves whose partner did not come, to be settled with other partitions' in the transaction.
    `figures` are what joined calls are counted as beside any exchange's. `halves` came, by side and by the
    agency whose server recorded them; `noted` are other things that happened, by name.
    `ledger` is there once the changes are taken: what joined calls are counted as, with all that every
    partition notes. The rest is as in monitor.ledger.changes.
    """

    next_offset: int
    ledger: Changes
    events: int = 0
    figures: Figures = field(default_factory=Figures)
    waits: dict[str, Waiting] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    lapsed: list[Lapsed] = field(default_factory=list)
    halves: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    gaps: dict[GapKey, int] = field(default_factory=dict)
    rejected: dict[Reason, int] = field(default_factory=dict)
    ids: dict[int, list[str]] = field(default_factory=dict)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    ages: list[tuple[datetime, int]] = field(default_factory=list)
    held_bytes: int = 0

    def wait(self, key: str, waiting: Waiting) -> None:
        """A half begins to wait."""
        self.waits[key] = waiting
        self.held_bytes += HALF_BYTES

    def no_longer(self, key: str) -> None:
        """A half waits no longer: it was not stored yet, or what is stored of it is to go."""
        if self.waits.pop(key, None) is None:
            self.done.add(key)
