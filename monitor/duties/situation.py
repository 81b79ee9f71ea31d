"""Everything that duties are worked out from, at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from monitor.calendar.working import WorkingDays
from monitor.duties.connection import Standing
from monitor.duties.facts import LedgerFacts
from monitor.duties.rules import DutyRules
from monitor.lifecycle.recorded import Recorded
from monitor.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Situation:
    """The registry, what has happened up to `now`, and the rules; `events` are in order of time."""

    registry: Registry
    standings: Mapping[str, Standing]
    events: Sequence[Recorded]
    facts: LedgerFacts
    now: datetime
    zone: ZoneInfo
    calendar: WorkingDays
    rules: DutyRules

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.zone).date()

    def day_of(self, moment: datetime) -> date:
        """The local day of a moment."""
        return moment.astimezone(self.zone).date()
