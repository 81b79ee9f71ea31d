"""What one partition of lifecycle events has counted since its last commit: one transaction's content."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.events.lifecycle_event import LifecycleEvent
from monitor.ledger.single import SingleChanges


class Accepted(NamedTuple):
    """An event to store, under the registry's code of its agency, and where in the partition it stood."""

    event: LifecycleEvent
    time: datetime
    offset: int


@dataclass(slots=True)
class LifecycleChanges(SingleChanges):
    """Deltas since the last commit, and the offset up to which they reach."""

    accepted: list[Accepted] = field(default_factory=list)
