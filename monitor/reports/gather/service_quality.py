"""The index of public service quality over a period: the part of the report that dossiers fill."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from monitor.dossiers.index import Index, ItemScore, index_of
from monitor.dossiers.items import ITEMS, ItemKey
from monitor.dossiers.rules import QualityRules
from monitor.dossiers.sums import ByAgency, read_sums, together
from monitor.registry.registry import Registry
from monitor.reports.figures import Indicator, Share, Text
from monitor.reports.period import Period
from monitor.reports.shape.service_quality import QualityItem, ServiceQuality

_A_DAY = timedelta(days=1)


def service_quality(
    connection: Connection,
    period: Period,
    registry: Registry,
    rules: QualityRules,
    zone: ZoneInfo,
    until: datetime,
    agency: str | None = None,
) -> ServiceQuality | None:
    """The index of all agencies, or of one; None where no dossiers are known of the period.

    `until` (aware) is the moment up to which the period is told: its end, or now where it is running; then as
    many days are compared of the period before and of a year ago. Raises sqlalchemy.exc.DBAPIError.
    """
    today = until.astimezone(zone).date()
    last = min(period.last_day, today)
    found = read_sums(connection, registry, period.first_day, last, today)
    now = _of(found, agency, rules)
    if now is None:
        return None
    running = last < period.last_day or today <= period.last_day
    length = last - period.first_day if running else None
    before = _compared(connection, registry, rules, agency, period.previous, length)
    year_ago = _compared(connection, registry, rules, agency, period.year_ago, length)
    return ServiceQuality(
        dossiers=now.received,
        handled=now.handled,
        handling_days=now.handling_days,
        points=now.points,
        scored=now.scored,
        most=now.most,
        items=_items(now, before, year_ago),
        agencies={}
        if agency is not None
        else {
            code: _items(index_of(together(groups.values()), rules), {}, {})
            for code, groups in sorted(found.items())
        },
    )


def _of(found: ByAgency, agency: str | None, rules: QualityRules) -> Index | None:
    chosen = found.values() if agency is None else [found[agency]] if agency in found else []
    sums = [each for groups in chosen for each in groups.values()]
    return index_of(together(sums), rules) if sums else None


def _compared(
    connection: Connection,
    registry: Registry,
    rules: QualityRules,
    agency: str | None,
    period: Period | None,
    length: timedelta | None,
) -> Mapping[ItemKey, Share]:
    """The counts of each item that was scored in another period, in its first days where it is cut."""
    if period is None:
        return {}
    last: date = period.last_day if length is None else min(period.last_day, period.first_day + length)
    found = read_sums(connection, registry, period.first_day, last, last + _A_DAY)
    index = _of(found, agency, rules)
    scored = [] if index is None else [one for one in index.items if one.denominator]
    return {one.key: Share(numerator=one.numerator, denominator=one.denominator) for one in scored}


def _items(
    index: Index, before: Mapping[ItemKey, Share], year_ago: Mapping[ItemKey, Share]
) -> tuple[QualityItem, ...]:
    return tuple(_item(one, before.get(one.key), year_ago.get(one.key)) for one in index.items)


def _item(one: ItemScore, before: Share | None, year_ago: Share | None) -> QualityItem:
    scored = one.denominator > 0
    return QualityItem(
        key=one.key,
        label=Text(en=ITEMS[one.key].en, vi=ITEMS[one.key].vi),
        indicator=Indicator(
            key=one.key,
            numerator=one.numerator,
            denominator=one.denominator,
            eligible=one.eligible,
            target=one.target,
            source="dossiers",
            scored=scored,
            reason=None if scored else "no_dossiers",
            before=before,
            year_ago=year_ago,
        ),
        points=one.points,
        most=one.most,
        confirmed=one.confirmed,
    )
