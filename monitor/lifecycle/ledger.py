"""The ledger of one partition of lifecycle events: checks each, and tells what came again."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from monitor.events.lifecycle_event import LifecycleEvent
from monitor.events.pseudonym import Pseudonyms
from monitor.ledger.ids import IdMemory
from monitor.ledger.partition import Limits
from monitor.ledger.single import SingleLedger
from monitor.lifecycle.changes import Accepted, LifecycleChanges
from monitor.registry.registry import Registry


class LifecycleLedger(SingleLedger[LifecycleEvent, LifecycleChanges]):
    """Everything the worker holds in memory for one partition of lifecycle events."""

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        pseudonyms: Pseudonyms,
    ) -> None:
        super().__init__(registry, limits, ids, next_offset, newest, pseudonyms, LifecycleChanges)

    def accept(self, event: LifecycleEvent, agency: str, time: datetime, offset: int) -> None:
        """Keep the event, under the registry's code of its agency."""
        if event.service is not None and event.service not in self.registry.services:
            self.note_gap("service", event.service)
        self.changes.accepted.append(Accepted(replace(event, agency=agency), time, offset))
