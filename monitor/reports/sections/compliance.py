"""Compliance: coverage by agreements, breaches, duties, agreements and their unmonitored clauses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from monitor.duties.item import DUTIES, DutyItem, last_day
from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED
from monitor.objectives.block import WIDTH
from monitor.registry.model import Agreement
from monitor.reports.clauses import clauses
from monitor.reports.figures import Indicator, Share, Text, Trend
from monitor.reports.model import AgreementRow, BreachKind, CompliancePart, DutyCount, DutyRow, FindingRow
from monitor.reports.sections.sharing import days_of
from monitor.reports.sections.view import Past, View
from monitor.reports.shape.duties import Standing

MOST_FINDINGS: Final = 1000  # rows, the most frequent first; the kinds' totals hold all
MOST_DUTIES: Final = 1000


def compliance_part(view: View) -> CompliancePart:
    """Whether sharing keeps to what was agreed."""
    findings = list(_findings(view))
    items = duties_of(view)
    late = [each for each in items if each.overdue or each.late]
    late.sort(key=lambda each: (not each.overdue, each.due is None, each.due, each.agency, each.subject))
    targets = view.gathered.terms.rules.indicators.targets
    held = in_period(view)
    first, last = days_of(view)
    in_force = [one for one in held if one.start <= last <= one.last_day and one.permits]
    stated = [clauses(one, view.registry.services[one.service]) for one in in_force]
    unmonitored = Counter(field for clause in stated for field in clause.unmonitored)
    exchanges, broken = _under(view), _broken(view)
    return CompliancePart(
        under_agreement=view.indicator(
            "traffic_under_agreement",
            _coverage,
            target=targets.traffic_under_agreement,
            source="cells_findings",
            reason="not_judged" if view.now.total.exchanges else "no_exchanges",
        ),
        without_breach=view.indicator(
            "without_breach", _without_breach, target=None, source="cells", reason="no_exchanges"
        ),
        duties_on_time=_on_time(view, items, targets.duties_on_time),
        breaches=tuple(_kinds(view)),
        findings=tuple(findings[:MOST_FINDINGS]),
        findings_more=max(len(findings) - MOST_FINDINGS, 0),
        duty_counts=tuple(_duty_counts(view, items)),
        duties=tuple(_duty_row(view, each) for each in late[:MOST_DUTIES]),
        duties_more=max(len(late) - MOST_DUTIES, 0),
        agreements=tuple(_agreement_row(view, one, exchanges, broken) for one in held),
        agreements_in_force=Trend(now=len(in_force), before=_in_force_on(view, first - timedelta(days=1))),
        clauses=tuple(stated),
        unmonitored=dict(sorted(unmonitored.items())),
    )


def duties_of(view: View) -> list[DutyItem]:
    """The duties of the report's agency, or of all."""
    return [each for each in view.gathered.stood.items if view.concerns(each.agency)]


def in_period(view: View) -> list[Agreement]:
    """Agreements that were in force at any time of the period, each in its last version that was."""
    first, last = days_of(view)
    latest: dict[str, Agreement] = {}
    for one in view.registry.agreements:  # by id, then version
        if one.status != "draft" and one.start <= last and one.last_day >= first:
            latest[one.id] = one
    return [one for one in latest.values() if view.concerns(one.provider, one.consumer)]


def _in_force_on(view: View, day: date) -> int | None:
    if view.before is None:
        return None
    ours = (one for one in view.registry.agreements if view.concerns(one.provider, one.consumer))
    return len({one.id for one in ours if one.permits and one.start <= day <= one.last_day})


def _coverage(past: Past) -> tuple[int, int, int]:
    judged = sum(each.exchanges for pair, each in past.pairs.items() if UNREGISTERED not in pair)
    return sum(past.under(pair) for pair in past.pairs), judged, past.total.exchanges


def _without_breach(past: Past) -> tuple[int, int, int]:
    volume = past.total.volume
    return volume.exchanges - volume.breached, volume.exchanges, volume.exchanges


# Breaches


def _kinds(view: View) -> Iterator[BreachKind]:
    """Every kind that occurred now or in a period it is compared with, the most frequent first."""
    counts: defaultdict[str, int] = defaultdict(int)
    denied: defaultdict[str, int] = defaultdict(int)
    pairs: defaultdict[str, int] = defaultdict(int)
    for key, breached in view.now.breaches.items():
        counts[key.breach] += breached.count
        denied[key.breach] += breached.denied
        pairs[key.breach] += 1
    before, year_ago = _counts(view.before), _counts(view.year_ago)
    known = [str(breach) for breach in Breach]
    occurred = [
        kind for kind in known if counts[kind] or (before or {}).get(kind) or (year_ago or {}).get(kind)
    ]
    for kind in sorted(occurred, key=lambda kind: (-counts[kind], known.index(kind))):
        yield BreachKind(
            breach=kind,
            count=Trend(
                now=counts[kind],
                before=None if before is None else before.get(kind, 0),
                year_ago=None if year_ago is None else year_ago.get(kind, 0),
            ),
            denied=denied[kind],
            pairs=pairs[kind],
        )


def _counts(past: Past | None) -> dict[str, int] | None:
    if past is None:
        return None
    found: dict[str, int] = {}
    for key, breached in past.breaches.items():
        found[key.breach] = found.get(key.breach, 0) + breached.count
    return found


def _findings(view: View) -> Iterator[FindingRow]:
    order = sorted(view.now.breaches.items(), key=lambda each: (-each[1].count, each[0]))
    for key, found in order:
        yield FindingRow(
            breach=key.breach,
            provider=key.pair.provider,
            consumer=key.pair.consumer,
            service=key.pair.service,
            count=found.count,
            denied=found.denied,
            agreement=found.agreement,
            version=found.version,
            first=found.first,
            last=found.last,
        )


# Duties


def _on_time(view: View, items: list[DutyItem], target: float) -> Indicator:
    """As for agencies: what is not connected is not scored, and lowers the coverage."""
    standings = view.gathered.stood.standings
    scored = [each for each in items if standings[each.agency].connected]
    earlier = None if view.gathered.before is None else view.gathered.before.stood
    before = None
    if earlier is not None:
        past = [
            each
            for each in earlier.items
            if view.concerns(each.agency) and earlier.standings[each.agency].connected
        ]
        before = Share(numerator=sum(each.on_time for each in past), denominator=len(past))
    return Indicator(
        key="duties_on_time",
        numerator=sum(each.on_time for each in scored),
        denominator=len(scored),
        eligible=len(items),
        target=target,
        source="duties",
        scored=bool(scored),
        reason=None if scored else "not_connected" if items else "no_duties",
        before=before,
    )


def _duty_counts(view: View, items: list[DutyItem]) -> Iterator[DutyCount]:
    earlier = None if view.gathered.before is None else view.gathered.before.stood
    for duty in DUTIES:
        held = [each for each in items if each.duty == duty]
        yield DutyCount(
            duty=duty,
            total=len(held),
            overdue=sum(each.overdue for each in held),
            late=sum(each.late for each in held),
            overdue_before=None
            if earlier is None
            else sum(e.overdue for e in earlier.items if e.duty == duty and view.concerns(e.agency)),
        )


def _duty_row(view: View, one: DutyItem) -> DutyRow:
    terms = view.gathered.terms
    due = None if one.due is None else last_day(one.due, terms.zone)
    days = None
    if due is not None and not one.done:
        _, end = days_of(view)
        days = terms.calendar.between(end, due) if one.working else (due - end).days
    return DutyRow(
        agency=one.agency,
        duty=one.duty,
        subject=one.subject,
        standing=standing_of(one),
        last_day=due,
        days=days,
        working_days=one.working,
    )


def standing_of(one: DutyItem) -> Standing:
    """How a duty stands."""
    if one.overdue:
        return "overdue"
    if one.done:
        return "late" if one.late else "done"
    return "unknown" if one.due is None else "open"


# Agreements


def _under(view: View) -> dict[str, int]:
    """Exchanges answered or failed under each agreement, by the version in force on their day."""
    block = view.gathered.tallied.block
    found: dict[str, int] = {}
    if block is not None:
        for index, one in enumerate(view.registry.agreements):
            found[one.id] = found.get(one.id, 0) + block.versions[index * WIDTH]
    return found


def _broken(view: View) -> dict[str, int]:
    """Breaches found under each agreement."""
    found: dict[str, int] = {}
    for breached in view.now.breaches.values():
        for name, count in breached.by_agreement.items():
            found[name] = found.get(name, 0) + count
    return found


def _agreement_row(
    view: View, one: Agreement, exchanges: dict[str, int], broken: dict[str, int]
) -> AgreementRow:
    _, last = days_of(view)
    review = one.dates.review
    return AgreementRow(
        agreement=one.id,
        version=one.version,
        title=Text(en=one.title.en, vi=one.title.vi),
        provider=one.provider,
        consumer=one.consumer,
        service=one.service,
        status=one.status,
        in_force=one.permits and one.start <= last <= one.last_day,
        start=one.start,
        end=one.last_day,
        review=review,
        days_to_end=(one.last_day - last).days,
        days_to_review=None if review is None else (review - last).days,
        followed=any(
            each.status in ("active", "registered") and each.start > one.start
            for each in view.registry.versions(one.consumer, one.service)
        ),
        exchanges=exchanges.get(one.id, 0),
        breached=broken.get(one.id, 0),
    )
