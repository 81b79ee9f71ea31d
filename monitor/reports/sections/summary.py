"""The summary in sentences with numbers, and the notes that a reader of the figures needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from monitor.judging.terms import UNREGISTERED
from monitor.reports.figures import Language, Text
from monitor.reports.model import (
    AgencyRow,
    CompliancePart,
    ConnectionPart,
    QualityPart,
    RankingPart,
    SecurityPart,
    VolumePart,
)
from monitor.reports.sections.view import View
from monitor.reports.texts import Texts, both

ERROR: Final = "1.1"  # per cent of a percentile, see monitor.ledger.histogram
QUIET: Final = timedelta(hours=1)  # nights are quiet, but not for so long
_GRAVE: Final = 4  # high, and critical


def summary(
    view: View,
    volume: VolumePart,
    ranking: RankingPart,
    quality: QualityPart,
    compliance: CompliancePart,
    security: SecurityPart | None,
    connection: ConnectionPart,
) -> Iterator[Text]:
    """What happened, in the order in which the report tells it."""
    yield from _of_volume(view, volume, ranking)
    yield from _of_quality(quality)
    yield from _of_compliance(compliance)
    if security is not None:
        yield from _of_security(security)
    yield from _of_connection(view, connection)


def _of_volume(view: View, volume: VolumePart, ranking: RankingPart) -> Iterator[Text]:
    period = view.gathered.period.label
    now = volume.total.exchanges
    row = next((each for each in ranking.agencies if each.agency == view.agency), None)
    if row is not None:
        yield both(
            "summary.agency",
            period=period,
            agency=row.name,
            provided=row.provided.now,
            consumed=row.consumed.now,
        )
    elif not now:
        yield both("summary.nothing", period=period)
    else:
        yield both(
            "summary.volume",
            period=period,
            agencies=volume.agencies_active.now,
            exchanges=now,
            services=volume.services_active.now,
        )
    before, ago = view.gathered.before, view.gathered.year_ago
    if before is not None and volume.before is not None and volume.before.exchanges:
        count = volume.before.exchanges
        yield both("summary.before", before=before.period.label, count=count, change=(now - count) / count)
    if ago is not None and volume.year_ago is not None and volume.year_ago.exchanges:
        count = volume.year_ago.exchanges
        yield both("summary.year_ago", year_ago=ago.period.label, count=count, change=(now - count) / count)
    if row is not None:
        yield from _of_rank(row, ranking)


def _of_rank(row: AgencyRow, ranking: RankingPart) -> Iterator[Text]:
    if not row.connected:
        yield both("summary.not_connected")
    elif row.rank is not None and row.rank_before is not None:
        yield both("summary.rank", rank=row.rank, ranked=ranking.ranked, rank_before=row.rank_before)
    elif row.rank is not None:
        yield both("summary.rank_new", rank=row.rank, ranked=ranking.ranked)


def _of_quality(quality: QualityPart) -> Iterator[Text]:
    if quality.availability.scored:
        yield both(
            "summary.quality",
            availability=quality.availability.share,
            p50=quality.durations.p50_us,
            p95=quality.durations.p95_us,
            p99=quality.durations.p99_us,
        )
    met = quality.objectives_met
    if met.scored:
        yield both(
            "summary.objectives",
            kept=met.numerator,
            scored=met.denominator,
            unmeasured=met.eligible - met.denominator,
        )


def _of_compliance(compliance: CompliancePart) -> Iterator[Text]:
    covered, clean = compliance.under_agreement, compliance.without_breach
    if covered.scored:
        yield both("summary.compliance", share=covered.share, breached=clean.denominator - clean.numerator)
    first = next((each for each in compliance.breaches if each.count.now), None)
    if first is not None:
        yield both("summary.breach", breach=both(f"breach.{first.breach}"), count=first.count.now)
    total = sum(each.total for each in compliance.duty_counts)
    if total:
        overdue = sum(each.overdue for each in compliance.duty_counts)
        yield both("summary.duties", overdue=overdue, total=total)


def _of_security(security: SecurityPart) -> Iterator[Text]:
    opened = sum(tier.opened.now for tier in security.tiers)
    open_ = sum(tier.open_at_end for tier in security.tiers)
    if opened or open_:
        grave = sum(tier.opened.now for tier in security.tiers if tier.level >= _GRAVE)
        yield both("summary.alerts", opened=opened, grave=grave, open_=open_)
    notices = security.notified_in_time
    if notices.scored:
        yield both("summary.notices", kept=notices.numerator, due=notices.denominator)


def _of_connection(view: View, connection: ConnectionPart) -> Iterator[Text]:
    live = connection.live
    if view.agency is not None or not live.scored:
        return
    values = {"live": live.numerator, "bound": live.denominator, "deadline": connection.deadline}
    if connection.days_left >= 0:
        yield both("summary.connection", days=connection.days_left, **values)
    else:
        yield both("summary.connection_after", **values)


def notes(
    view: View, security: SecurityPart | None, weights: Mapping[str, float], left_out: Mapping[str, int]
) -> Iterator[Text]:
    """What a reader must know; `left_out` counts rows by the key of their table's name."""
    gathered, zone = view.gathered, view.gathered.terms.zone
    if gathered.to_date:
        yield both("note.to_date", zone, until=gathered.until)
    first = gathered.source.first_hour
    spans = [(gathered.period.label, gathered.tallied.span)]
    for other, label in (
        (gathered.before, gathered.period.previous),
        (gathered.year_ago, gathered.period.year_ago),
    ):
        if other is not None:
            spans.append((other.period.label, other.tallied.span))
        elif label is not None:
            yield both("note.nothing_before", period=label.label)
    for name, span in spans:
        if first is not None and first.timestamp() > span.begins:
            yield both("note.ledger_from", zone, period=name, begins=first)
    newest = gathered.source.newest
    if newest is not None and newest + QUIET < gathered.until:
        yield both("note.newest", zone, newest=newest)
    unregistered = sum(counted.exchanges for pair, counted in view.now.pairs.items() if UNREGISTERED in pair)
    if unregistered:
        yield both("note.unregistered", count=unregistered)
    yield Text(en=_exact("en"), vi=_exact("vi"))
    yield both("note.registry")
    yield both("note.duties")
    yield both("note.composite", weights=Text(en=_weights("en", weights), vi=_weights("vi", weights)))
    if security is None:
        yield both("note.no_security")
    elif security.risk_from is not None and security.risk_from >= gathered.until:
        yield both("note.no_risk")
    elif security.risk_from is not None:
        yield both("note.risk_from", zone, moment=security.risk_from)
    if gathered.stood.unread:
        yield both("note.unread", count=gathered.stood.unread)
    for table, rows in left_out.items():
        if rows:
            yield both("note.left_out", rows=rows, table=both(table))


def _weights(language: Language, weights: Mapping[str, float]) -> str:
    texts = Texts(language)
    return "; ".join(f"{texts(f'indicator.{key}')} {texts.number(points)}" for key, points in weights.items())


def _exact(language: Language) -> str:
    texts = Texts(language)
    return texts("note.exact", error=f"{texts.number(float(ERROR), 1)}%")
