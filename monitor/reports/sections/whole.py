"""The whole report, put together from what was gathered, what others know, and what people wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from monitor.reports.figures import Language, Text
from monitor.reports.gather.gathered import Gathered
from monitor.reports.gather.source import digest
from monitor.reports.model import (
    Inputs,
    Narrative,
    Obstacle,
    PeriodHead,
    Report,
    SecurityPart,
    ServiceQuality,
)
from monitor.reports.narrative import SLOTS, Written
from monitor.reports.period import Period, Span
from monitor.reports.rules import Composite
from monitor.reports.sections.agencies import ranking_part
from monitor.reports.sections.card import card_part
from monitor.reports.sections.coming import coming, connection_part, obstacles
from monitor.reports.sections.compliance import compliance_part
from monitor.reports.sections.sharing import pair_rows, quality_part, volume_part
from monitor.reports.sections.summary import notes, summary
from monitor.reports.sections.view import View
from monitor.reports.sections.xroad import xroad_part


@dataclass(frozen=True, slots=True)
class Given:
    """What a report needs beside what was gathered. `carried` is what an earlier issue had of `written`."""

    language: Language
    issuer: str | None
    rules: Composite
    security: SecurityPart | None
    service_quality: ServiceQuality | None
    written: Written
    carried: frozenset[str] = frozenset()


def build(gathered: Gathered, agency: str | None, given: Given) -> Report:
    """The report on what was gathered, national or of one agency (a present code): a draft, not recorded."""
    view = View(gathered, agency)
    national = view if agency is None else View(gathered, None)
    volume, quality = volume_part(view), quality_part(view)
    ranking, compliance = ranking_part(national, given.rules), compliance_part(view)
    connection = connection_part(view)
    found, found_more = obstacles(view, quality.objectives)
    due, due_more = coming(view)
    pairs, pairs_more = pair_rows(view)
    row = next((each for each in ranking.agencies if each.agency == agency), None)
    xroad = xroad_part(view)
    left_out = {
        "section.obstacles": found_more,
        "section.next": due_more,
        "section.annex": pairs_more,
        "section.compliance": compliance.findings_more + compliance.duties_more,
        "section.xroad": 0 if xroad is None else xroad.pairs_more,
        "section.security": 0
        if given.security is None
        else given.security.open_alerts_more + given.security.incidents_more,
    }
    return Report(
        scope="national" if agency is None else "agency",
        agency=agency,
        agency_name=None if agency is None else view.name(agency),
        language=given.language,
        period=head(gathered, gathered.period, gathered.tallied.span),
        before=None
        if gathered.before is None
        else head(gathered, gathered.before.period, gathered.before.tallied.span),
        year_ago=None
        if gathered.year_ago is None
        else head(gathered, gathered.year_ago.period, gathered.year_ago.tallied.span),
        made_at=gathered.made_at,
        zone=gathered.terms.zone.key,
        issuer=given.issuer,
        run=None,
        state="draft",
        inputs=_inputs(gathered, given.written),
        reissue=None,
        summary=tuple(summary(view, volume, ranking, quality, compliance, given.security, connection)),
        notes=tuple(notes(view, given.security, ranking.weights, left_out)),
        volume=volume,
        ranking=ranking,
        quality=quality,
        compliance=compliance,
        security=given.security,
        connection=connection,
        service_quality=given.service_quality,
        obstacles=tuple(edited(found, given.written.obstacles)),
        coming=tuple(due),
        pairs=pairs,
        pairs_more=pairs_more,
        card=None if row is None else card_part(view, row, quality.services),
        narratives=tuple(
            Narrative(slot=slot, text=given.written.slots[slot], carried=slot in given.carried)
            for slot in SLOTS
            if slot in given.written.slots
        ),
        xroad=xroad,
    )


def head(gathered: Gathered, period: Period, span: Span) -> PeriodHead:
    """A period with the hours of it that were summed."""
    zone = gathered.terms.zone
    begins, ends = period.begins(zone), period.ends(zone)
    first = gathered.source.first_hour
    summed = datetime.fromtimestamp(span.ends, UTC)
    current = period == gathered.period
    return PeriodHead(
        key=period.key,
        kind=period.kind,
        label=period.label,
        first_day=period.first_day,
        last_day=period.last_day,
        begins=begins,
        ends=ends,
        until=gathered.until if current else summed,
        to_date=gathered.to_date if current else summed < ends,
        ledger_from=first if first is not None and begins < first < ends else None,
    )


def edited(found: Sequence[Obstacle], changes: Mapping[str, Mapping[str, str]]) -> list[Obstacle]:
    """Obstacles with people's words for the aspects that they changed; in both languages what they wrote."""
    result = []
    for each in found:
        words = changes.get(each.id)
        if words:
            texts = {aspect: Text(en=text, vi=text) for aspect, text in words.items()}
            each = msgspec.structs.replace(each, edited=True, **texts)  # noqa: PLW2901  # the same one, edited
        result.append(each)
    return result


def _inputs(gathered: Gathered, written: Written) -> Inputs:
    parts = {
        "registry": gathered.registry.fingerprint,
        "offsets": gathered.source.offsets,
        "ledger": gathered.ledger_digest,
        "narrative": digest([dict(written.slots), {k: dict(v) for k, v in written.obstacles.items()}]),
    }
    whole = hashlib.sha256("".join(parts[name] for name in sorted(parts)).encode()).hexdigest()
    return Inputs(fingerprint=whole, events=gathered.source.events, **parts)
