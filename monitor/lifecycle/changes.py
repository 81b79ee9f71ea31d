"""What one partition of lifecycle events has counted since its last commit: one transaction's content."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.events.lifecycle_event import LifecycleEvent
from monitor.events.rejection import Reason, Rejection
from monitor.ledger.changes import GapKey
from monitor.ledger.ids import NO_IDS, IdState


class Accepted(NamedTuple):
    """An event to store, under the registry's code of its agency, and where in the partition it stood."""

    event: LifecycleEvent
    time: datetime
    offset: int


@dataclass(slots=True)
class LifecycleChanges:
    """Deltas since the last commit, and the offset up to which they reach.

    `duplicates` came again and are not among the accepted; `late` are those accepted long after newer ones.
    The rest is as in monitor.ledger.changes.
    """

    next_offset: int
    newest: datetime | None = None
    id_state: IdState = NO_IDS
    events: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    duplicates: int = 0
    late: int = 0
    gaps: dict[GapKey, int] = field(default_factory=dict)
    rejected: dict[Reason, int] = field(default_factory=dict)
    ids: dict[int, list[str]] = field(default_factory=dict)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    ages: list[tuple[datetime, int]] = field(default_factory=list)
    held_bytes: int = 0
