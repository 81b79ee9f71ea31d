"""What one partition of X-Road records has counted since its last commit: the content of one transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from monitor.events.rejection import Reason, Rejection
from monitor.ledger.changes import Changes
from monitor.xroad.figures import Figures
from monitor.xroad.pairing import Lapsed, Waiting


@dataclass(slots=True)
class XroadChanges:
    """Deltas since the last commit.

    `ledger` holds what joined calls are counted as, and everything that each partition has; `figures` what
    they are counted as beside that. `waits` are halves that began to wait, `done` keys of stored ones that
    wait no longer, `lapsed` halves whose partner did not come, to be settled with other partitions' in the
    transaction. `halves` came, by side and by the agency whose server recorded them; `noted` are other things
    that happened, by name.
    """

    ledger: Changes
    figures: Figures = field(default_factory=Figures)
    waits: dict[str, Waiting] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    lapsed: list[Lapsed] = field(default_factory=list)
    halves: Counter[tuple[str, str]] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    ages: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def next_offset(self) -> int:
        """The offset up to which they reach."""
        return self.ledger.next_offset

    @next_offset.setter
    def next_offset(self, offset: int) -> None:
        self.ledger.next_offset = offset

    @property
    def events(self) -> int:
        """How many records came."""
        return self.ledger.events

    @events.setter
    def events(self, count: int) -> None:
        self.ledger.events = count

    @property
    def rejected(self) -> dict[Reason, int]:
        """Bodies that could not be read in full, by reason."""
        return self.ledger.rejected

    @property
    def rejections(self) -> list[tuple[int, Rejection]]:
        """The same with their offsets."""
        return self.ledger.rejections

    @property
    def held_bytes(self) -> int:
        """What is kept of single halves until the commit, roughly."""
        return HALF_BYTES * (len(self.waits) + len(self.lapsed))

    @held_bytes.setter
    def held_bytes(self, _count: int) -> None:
        raise AttributeError("worked out from the halves")


HALF_BYTES = 1_500  # a half in memory with its key; measured on records as they come
