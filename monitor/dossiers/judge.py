"""What one dossier counts for, from what is known of it: plain, and without a clock.

- On time: completed by the last day promised. The last day counts as a whole; where it is not worked, the
  next that is takes its place (Civil Code of Vietnam, article 148). It is put off by the working days on
  which the agency waited for the applicant, and stands still while it waits.
- A second request for supplements is late, whenever the dossier is completed (Decision 766/QD-TTg).
- Handling time: working days from the day received, which does not count, to the day completed, without
  those waited. A dossier that was completed before it was received has none, and is not measured.
- A complaint is on time when it is answered within so many working days; answers go to complaints in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Self
from zoneinfo import ZoneInfo

from monitor.calendar.working import WorkingDays, working_days
from monitor.dossiers.counts import Counts
from monitor.dossiers.rules import QualityRules, read_quality_rules
from monitor.dossiers.state import Dossier, Receipt
from monitor.ledger.moment import moment
from monitor.settings import Settings


@dataclass(frozen=True, slots=True)
class QualityTerms:
    """What dossiers are judged by: rules, the days that are worked, and where days begin."""

    rules: QualityRules
    calendar: WorkingDays
    zone: ZoneInfo

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read the files that settings name. Raises QualityProblems or CalendarProblems."""
        rules = read_quality_rules(settings.service_quality)
        return cls(rules, working_days(settings), settings.zone)

    def day(self, time_ms: int) -> date:
        """The local day of a moment."""
        return moment(time_ms).astimezone(self.zone).date()


def counts_of(dossier: Dossier, terms: QualityTerms) -> Counts:
    """Everything the dossier counts for, now and, where nothing else comes, later."""
    counts: Counts = {}

    def add(day: date, measure: str, count: int = 1) -> None:
        if count:
            key = day.toordinal(), measure
            counts[key] = counts.get(key, 0) + count

    receipt, ended = dossier.receipt, _ended(dossier)
    completed = ended if dossier.completed == ended else None
    if receipt is not None:
        day = terms.day(receipt.time)
        add(day, "received")
        add(day, "online", dossier.online)
    if completed is not None:
        day = terms.day(completed)
        add(day, "completed")
        for measure in ("digitised", "reused", "population_database"):
            add(day, measure, getattr(dossier, measure))
    decided = _decided(dossier, receipt, ended, terms) if receipt is not None else None
    if decided is not None:
        add(*decided)
    elif completed is not None:
        add(terms.day(completed), "unmeasured")
    if receipt is not None and completed is not None and completed >= receipt.time:
        day = terms.day(completed)
        add(day, "handled")
        add(day, "handling_days", _handling_days(dossier, receipt.time, completed, terms))
    if dossier.paid is not None:
        add(terms.day(dossier.paid), "paid")
        add(terms.day(dossier.paid), "paid_online", dossier.paid_online)
    if dossier.rated is not None:
        add(terms.day(dossier.rated.time), "rated")
        add(terms.day(dossier.rated.time), "satisfied", dossier.rated.rating >= terms.rules.satisfied_from)
    for day, on_time in _complaints(dossier, terms):
        add(day, "complaints_on_time" if on_time else "complaints_lapsed")
    return counts


def _ended(dossier: Dossier) -> int | None:
    """When it was completed or withdrawn, whichever was first; completed, where both are at one moment."""
    ends = [each for each in (dossier.completed, dossier.withdrawn) if each is not None]
    return min(ends, default=None)


def _decided(
    dossier: Dossier, receipt: Receipt, ended: int | None, terms: QualityTerms
) -> tuple[date, str] | None:
    """The day on which it is decided whether it is on time, and how; None where that cannot be told (yet)."""
    began = receipt.time
    if receipt.promised == date.max or receipt.promised < terms.day(began):
        return None
    if ended is not None and ended < began:
        return None
    due = terms.calendar.add(receipt.promised, 0)
    requests = [time for time in dossier.requests if time >= began and (ended is None or time < ended)]
    if requests and terms.day(requests[0]) <= due:
        # Only the first wait counts: the second would be late already.
        until = next((time for time in dossier.supplements if time >= requests[0]), None)
        if len(requests) > 1 and (until is None or until > requests[1]):
            return terms.day(requests[1]), "late"
        if until is None and ended is None:
            return None
        end = min(each for each in (until, ended) if each is not None)
        due = terms.calendar.add(due, terms.calendar.between(terms.day(requests[0]), terms.day(end)))
        if len(requests) > 1 and terms.day(requests[1]) <= due:
            return terms.day(requests[1]), "late"
    if ended is None or terms.day(ended) > due:
        return due, "lapsed"
    return (terms.day(ended), "on_time") if dossier.completed == ended else None


def _handling_days(dossier: Dossier, began: int, completed: int, terms: QualityTerms) -> int:
    """Working days between two moments without those on which the agency waited, each wait counted once."""
    between, day = terms.calendar.between, terms.day
    waited, free = 0, began
    for request in dossier.requests:
        if not free <= request < completed:
            continue
        answered = next((time for time in dossier.supplements if time >= request), completed)
        free = min(answered, completed)
        waited += between(day(request), day(free))
    return max(between(day(began), day(completed)) - waited, 0)


def _complaints(dossier: Dossier, terms: QualityTerms) -> list[tuple[date, bool]]:
    """The day on which each complaint is decided, and whether it was answered in time."""
    found = []
    answers = iter(dossier.answers)
    for complaint in dossier.complaints:
        answered = next((time for time in answers if time >= complaint), None)
        due = terms.calendar.add(terms.day(complaint), terms.rules.complaint_days)
        in_time = answered is not None and terms.day(answered) <= due
        found.append((terms.day(answered) if answered is not None and in_time else due, in_time))
    return found
