"""What duties are worked out from, as small as a test needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from monitor.calendar.working import WorkingDays
from monitor.duties.assess import Terms, situation
from monitor.duties.facts import LedgerFacts
from monitor.duties.item import DutyItem
from monitor.duties.rules import DutyRules
from monitor.duties.situation import Situation
from monitor.lifecycle.recorded import Recorded
from tests.builders import AGENCIES, SERVICES, ZONE, made
from tests.monitor.registry.writing import Values

CALENDAR = WorkingDays()


def local(text: str) -> datetime:
    """A local time, in UTC; a date alone is its noon."""
    moment = datetime.fromisoformat(text if "T" in text else f"{text}T12:00")
    return moment.replace(tzinfo=ZONE).astimezone(UTC)


def recorded(kind: str, time: str, agency: str = "MOH", due: str | None = None, **fields: Any) -> Recorded:
    """A lifecycle event at a local time."""
    return Recorded(local(time), agency, kind, due=None if due is None else date.fromisoformat(due), **fields)


def terms(
    *agreements: Values,
    agencies: Sequence[Values] = AGENCIES,
    services: Sequence[Values] = SERVICES,
    rules: Mapping[str, Any] | None = None,
) -> Terms:
    """What stays the same, of a registry that holds these agreements alone."""
    registry = made(*agreements, agencies=tuple(agencies), services=tuple(services))
    return Terms(registry, DutyRules.model_validate(rules or {}), CALENDAR, ZONE)


def at(
    now: str,
    *agreements: Values,
    events: Sequence[Recorded] = (),
    facts: LedgerFacts | None = None,
    **given: Any,
) -> Situation:
    """The situation at a local time."""
    return situation(terms(*agreements, **given), events, facts or LedgerFacts(), local(now))


def only(items: Sequence[DutyItem]) -> DutyItem:
    """The one item that there is."""
    (one,) = items
    return one
