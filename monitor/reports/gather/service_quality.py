"""The index of public service quality over a period: the part of the report that dossiers fill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from monitor.dossiers.index import Index, index_of
from monitor.dossiers.items import ITEMS
from monitor.dossiers.rules import QualityRules
from monitor.dossiers.sums import ByAgency, ByGroup, read_sums, together
from monitor.registry.registry import Registry
from monitor.reports.figures import Text
from monitor.reports.gather.procedure_groups import procedure_groups
from monitor.reports.gather.scored import Shares, indicator, shares
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
    found = _Sums.chosen(read_sums(connection, registry, period.first_day, last, today), agency)
    if not found.groups:
        return None
    now = found.index(rules)
    running = last < period.last_day or today <= period.last_day
    length = last - period.first_day if running else None
    before = _compared(connection, registry, agency, period.previous, length)
    year_ago = _compared(connection, registry, agency, period.year_ago, length)
    return ServiceQuality(
        dossiers=now.received,
        handled=now.handled,
        handling_days=now.handling_days,
        points=now.points,
        scored=now.scored,
        most=now.most,
        items=_items(now, before.shares(rules), year_ago.shares(rules)),
        agencies={}
        if agency is not None
        else {
            code: _items(index_of(together(groups.values()), rules), {}, {})
            for code, groups in sorted(found.agencies.items())
        },
        groups=procedure_groups(found.groups, before.groups, year_ago.groups, rules),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """What was read of a period: by agency, and of all these together by group of procedures."""

    agencies: ByAgency
    groups: ByGroup

    @classmethod
    def chosen(cls, found: ByAgency, agency: str | None) -> _Sums:
        """Of all agencies, or of one."""
        held = found if agency is None else {agency: found[agency]} if agency in found else {}
        names = sorted({group for groups in held.values() for group in groups})
        return cls(
            held,
            {name: together(groups[name] for groups in held.values() if name in groups) for name in names},
        )

    def index(self, rules: QualityRules) -> Index:
        return index_of(together(self.groups.values()), rules)

    def shares(self, rules: QualityRules) -> Shares:
        return shares(self.index(rules))


def _compared(
    connection: Connection,
    registry: Registry,
    agency: str | None,
    period: Period | None,
    length: timedelta | None,
) -> _Sums:
    """The sums of another period, of its first days where it is cut; nothing where there is none."""
    if period is None:
        return _Sums({}, {})
    last: date = period.last_day if length is None else min(period.last_day, period.first_day + length)
    return _Sums.chosen(read_sums(connection, registry, period.first_day, last, last + _A_DAY), agency)


def _items(index: Index, before: Shares, year_ago: Shares) -> tuple[QualityItem, ...]:
    return tuple(
        QualityItem(
            key=one.key,
            label=Text(en=ITEMS[one.key].en, vi=ITEMS[one.key].vi),
            indicator=indicator(one, before, year_ago),
            points=one.points,
            most=one.most,
            confirmed=one.confirmed,
        )
        for one in index.items
    )
