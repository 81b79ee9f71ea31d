"""The ledger of one partition of dossier events: checks each, and joins what is said of the same dossier."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.dossiers.changes import DossierChanges, DossierKey, Heard
from monitor.dossiers.state import joined, of_event
from monitor.events.dossier_event import DossierEvent
from monitor.events.pseudonym import Pseudonyms
from monitor.judging.terms import UNREGISTERED
from monitor.ledger.ids import IdMemory
from monitor.ledger.moment import EPOCH
from monitor.ledger.partition import Limits
from monitor.ledger.single import SingleLedger
from monitor.registry.registry import Registry

_MILLISECOND = timedelta(milliseconds=1)
DOSSIER_BYTES = 700
"""What a dossier takes in memory until it is committed; measured on dossiers as simulated."""


class DossierLedger(SingleLedger[DossierEvent, DossierChanges]):
    """Everything the worker holds in memory for one partition of dossier events: what came since the last
    commit, and no dossier longer than that."""

    # Agencies tell steps days later, some once a night: how old they are says nothing of the monitor.
    tells_ages = False

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        ids: IdMemory,
        next_offset: int,
        newest: datetime | None,
        pseudonyms: Pseudonyms,
    ) -> None:
        super().__init__(registry, limits, ids, next_offset, newest, pseudonyms, DossierChanges)

    def accept(self, event: DossierEvent, agency: str, time: datetime, offset: int) -> None:  # noqa: ARG002
        """Join what the step says with what was heard of its dossier."""
        changes = self.changes
        changes.steps[agency, event.step] += 1
        if agency == UNREGISTERED:  # numbers of several unknown agencies cannot be told apart
            return
        key = DossierKey(agency, event.dossier.replace("\0", "\ufffd"))
        said = of_event(event, (time - EPOCH) // _MILLISECOND)
        before = changes.heard.get(key)
        if before is None:
            changes.held_bytes += DOSSIER_BYTES
            changes.heard[key] = Heard(said, time)
        else:
            changes.heard[key] = Heard(joined(before.dossier, said), max(before.last_time, time))
