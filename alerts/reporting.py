"""What a report says of security: alerts by severity, incidents and their clocks, risk, events by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Connection, and_, cast, func, or_, select, type_coerce

from alerts.incidents.clock import NOTIFY_WITHIN
from alerts.incidents.tables import incidents
from alerts.lifecycle.tables import alerts
from alerts.risk.score import HALF_LIVES, Risk, Weighed
from alerts.risk.tables import risk
from monitor.ledger.moment import EPOCH
from monitor.reports.figures import Indicator, Share, Text, Trend
from monitor.reports.model import AlertRow, AlertTier, EventCount, IncidentRow, RiskRow, SecurityPart
from monitor.reports.period import Span
from monitor.reports.security import Asked
from monitor.storage.tables import from_microseconds, security_counts

MOST_ALERTS: Final = 500  # open ones listed, the gravest first; the rest is a number
MOST_INCIDENTS: Final = 500
_LEVELS: Final = (5, 4, 3, 2, 1)
_TOP_RULES: Final = 5
_A_DAY: Final = timedelta(days=1)


class _Alert(NamedTuple):
    agency: str
    level: int
    opened: datetime
    acknowledged: datetime | None
    resolved: datetime | None


def read_security(connection: Connection, asked: Asked, /) -> SecurityPart:
    """Everything of a period, for one agency or for all. Raises sqlalchemy.exc.DBAPIError."""
    span = asked.span
    held = list(_alerts(connection, span, asked))
    before = None if asked.before is None else list(_alerts(connection, asked.before, asked))
    year_ago = None if asked.year_ago is None else list(_alerts(connection, asked.year_ago, asked))
    listed, more = _open(connection, span, asked)
    known = list(_incidents(connection, span, asked))
    earlier = None if asked.before is None else list(_incidents(connection, asked.before, asked))
    return SecurityPart(
        acknowledged=_acknowledged(held, span, before, asked.before),
        notified_in_time=_notified(known, span, earlier, asked.before),
        tiers=tuple(_tier(level, held, before, year_ago, asked) for level in _LEVELS),
        open_alerts=listed,
        open_alerts_more=more,
        incidents=tuple(known[:MOST_INCIDENTS]),
        incidents_more=max(len(known) - MOST_INCIDENTS, 0),
        risk=_risk(connection, asked),
        events=_events(connection, asked),
        risk_from=_kept_from(asked),
    )


def bounds(span: Span) -> tuple[datetime, datetime]:
    """The moments with which a span begins and ends."""
    return EPOCH + timedelta(seconds=span.begins), EPOCH + timedelta(seconds=span.ends)


# Alerts


def _alerts(connection: Connection, span: Span, asked: Asked) -> Iterator[_Alert]:
    """Every alert that was open at any time of a span."""
    begins, ends = bounds(span)
    a = alerts.c
    query = select(a.agency, a.level, a.opened_at, a.acknowledged_at, a.resolved_at).where(
        a.opened_at < ends, or_(a.resolved_at.is_(None), a.resolved_at >= begins)
    )
    for agency, *rest in connection.execute(query):
        code = asked.canonical.get(agency, agency)
        if asked.agency in (None, code):
            yield _Alert(code, *rest)


def _tier(
    level: int, held: list[_Alert], before: list[_Alert] | None, year_ago: list[_Alert] | None, asked: Asked
) -> AlertTier:
    begins, ends = bounds(asked.span)
    ours = [each for each in held if each.level == level]
    opened = _opened(ours, asked.span)
    times = [
        (each.acknowledged - each.opened).total_seconds()
        for each in opened
        if each.acknowledged is not None and each.acknowledged < ends
    ]
    return AlertTier(
        level=level,
        opened=Trend(
            now=len(opened),
            before=_count(before, level, asked.before),
            year_ago=_count(year_ago, level, asked.year_ago),
        ),
        acknowledged=sum(
            each.acknowledged is not None and begins <= each.acknowledged < ends for each in ours
        ),
        median_acknowledge_s=median(times) if times else None,
        resolved=sum(each.resolved is not None and each.resolved < ends for each in ours),
        open_at_end=sum(each.resolved is None or each.resolved >= ends for each in ours),
    )


def _opened(held: Iterable[_Alert], span: Span) -> list[_Alert]:
    begins, ends = bounds(span)
    return [each for each in held if begins <= each.opened < ends]


def _count(held: list[_Alert] | None, level: int, span: Span | None) -> int | None:
    if held is None or span is None:
        return None
    return sum(each.level == level for each in _opened(held, span))


def _acknowledged(
    held: list[_Alert], span: Span, before: list[_Alert] | None, earlier: Span | None
) -> Indicator:
    now = _share_acknowledged(held, span)
    past = None if before is None or earlier is None else _share_acknowledged(before, earlier)
    return Indicator(
        key="alerts_acknowledged",
        numerator=now.numerator,
        denominator=now.denominator,
        eligible=now.denominator,
        target=None,
        source="alerts",
        scored=now.denominator > 0,
        reason=None if now.denominator else "no_alerts",
        before=past,
    )


def _share_acknowledged(held: list[_Alert], span: Span) -> Share:
    _, ends = bounds(span)
    opened = _opened(held, span)
    done = sum(each.acknowledged is not None and each.acknowledged < ends for each in opened)
    return Share(numerator=done, denominator=len(opened))


def _open(connection: Connection, span: Span, asked: Asked) -> tuple[tuple[AlertRow, ...], int]:
    """Those that were open at the end, the gravest first."""
    _, ends = bounds(span)
    a = alerts.c
    columns = (
        a.id,
        a.episode,
        a.title,
        a.title_vi,
        a.level,
        a.agency,
        a.opened_at,
        a.acknowledged_at,
        a["count"],
    )
    query = (
        select(*columns)
        .where(a.opened_at < ends, or_(a.resolved_at.is_(None), a.resolved_at >= ends))
        .order_by(a.level.desc(), a.opened_at, a.id, a.episode)
    )
    found: list[AlertRow] = []
    more = 0
    for name, episode, title, title_vi, level, agency, opened, acknowledged, count in connection.execute(
        query
    ):
        code = asked.canonical.get(agency, agency)
        if asked.agency not in (None, code):
            continue
        if len(found) >= MOST_ALERTS:
            more += 1
            continue
        found.append(
            AlertRow(
                alert=f"{name}/{episode}",
                title=Text(en=title, vi=title_vi or title),
                level=level,
                agency=code,
                opened=opened,
                acknowledged=acknowledged if acknowledged is not None and acknowledged < ends else None,
                count=count,
            )
        )
    return tuple(found), more


# Incidents


def _incidents(connection: Connection, span: Span, asked: Asked) -> Iterator[IncidentRow]:
    """Those detected in a span, and those of before whose notice was still to be given when it began, or
    whose time for it ended only then."""
    begins, ends = bounds(span)
    i = incidents.c
    ended = and_(i.notified_at.is_not(None), i.due_at > begins)
    unsettled = or_(i.status == "open", i.notified_at >= begins, ended)
    query = (
        select(
            i.id,
            i.agency,
            i.tier,
            i.kind,
            i.what,
            i.personal_data,
            i.status,
            i.detected_at,
            i.due_at,
            i.notified_at,
        )
        .where(i.detected_at < ends, or_(i.detected_at >= begins, unsettled))
        .order_by(i.detected_at, i.id)
    )
    for name, agency, tier, kind, what, personal, status, detected, due, notified in connection.execute(
        query
    ):
        code = asked.canonical.get(agency, agency)
        if asked.agency not in (None, code):
            continue
        told = notified if notified is not None and notified < ends else None
        needed = (
            personal != "no" and status != "not-notifiable" and not (status == "closed" and notified is None)
        )
        in_time = None
        if needed and (told is not None or due <= ends):
            in_time = told is not None and told <= due
        yield IncidentRow(
            incident=name,
            agency=code,
            tier=tier,
            kind=kind,
            what=what,
            personal_data=personal,
            status=status,
            detected=detected,
            due=due,
            notified=told,
            hours=((told or ends) - detected) / timedelta(hours=1) if needed else None,
            in_time=in_time,
        )


def _notified(
    known: list[IncidentRow], span: Span, earlier: list[IncidentRow] | None, before: Span | None
) -> Indicator:
    now = _share_notified(known, span)
    return Indicator(
        key="notified_in_time",
        numerator=now.numerator,
        denominator=now.denominator,
        eligible=now.denominator,
        target=1.0,
        source="incidents",
        scored=now.denominator > 0,
        reason=None if now.denominator else "no_incidents",
        before=None if earlier is None or before is None else _share_notified(earlier, before),
    )


def _share_notified(known: list[IncidentRow], span: Span) -> Share:
    """Of incidents whose time ended in the span, how many were notified within it."""
    begins, ends = bounds(span)
    due = [
        each for each in known if begins < each.detected + NOTIFY_WITHIN <= ends and each.in_time is not None
    ]
    return Share(numerator=sum(bool(each.in_time) for each in due), denominator=len(due))


# Risk


def _risk(connection: Connection, asked: Asked) -> tuple[RiskRow, ...]:
    """Scores at the end and at the end of each UTC day, from what was detected up to then."""
    begins, ends = bounds(asked.span)
    r = risk.c
    oldest = (begins - HALF_LIVES * asked.half_life - EPOCH) // _A_DAY
    query = (
        select(
            r.day,
            r.agency,
            r.rule,
            func.max(r.weight),
            cast(func.sum(r["count"]), BigInteger),
            func.max(type_coerce(r.last_time, BigInteger)),
        )
        .where(r.day >= oldest, r.day <= (ends - EPOCH) // _A_DAY)
        .group_by(r.day, r.agency, r.rule)
        .order_by(r.day, r.agency, r.rule)
    )
    by_agency: defaultdict[str, list[Weighed]] = defaultdict(list)
    for _, agency, rule, weight, count, last in connection.execute(query):
        code = asked.canonical.get(agency, agency)
        if asked.agency in (None, code) and from_microseconds(last) < ends:
            by_agency[code].append(Weighed(code, rule, weight, count, from_microseconds(last)))
    rows = [_risk_row(agency, weighed, asked) for agency, weighed in by_agency.items()]
    shown = [row for row in rows if row.detections or row.score >= 1]  # what is older has faded away
    return tuple(sorted(shown, key=lambda row: (-row.score, -row.highest, row.agency)))


def _kept_from(asked: Asked) -> datetime | None:
    """Where detections of the period's beginning were forgotten already, the day with which they begin."""
    begins, ends = bounds(asked.span)
    oldest = EPOCH + (asked.now - HALF_LIVES * asked.half_life - EPOCH) // _A_DAY * _A_DAY
    return min(oldest, ends) if oldest > begins else None


def _risk_row(agency: str, weighed: list[Weighed], asked: Asked) -> RiskRow:
    begins, ends = bounds(asked.span)
    highest, highest_day = 0.0, None
    for moment in (*_midnights(begins, ends), ends):
        up_to = [each for each in weighed if each.last < moment]
        score = Risk.of(up_to, asked.half_life).score(agency, moment)
        if score > highest:
            highest, highest_day = score, (moment - timedelta(microseconds=1)).date()
    within = [each for each in weighed if each.last >= begins]
    rules = Counter[str]()
    for each in within:
        rules[each.rule] += each.events
    return RiskRow(
        agency=agency,
        score=round(Risk.of(weighed, asked.half_life).score(agency, ends), 1),
        highest=round(highest, 1),
        highest_day=highest_day,
        detections=sum(each.events for each in within),
        rules=tuple(name for name, _ in rules.most_common(_TOP_RULES)),
    )


def _midnights(begins: datetime, ends: datetime) -> Iterator[datetime]:
    day: date = begins.date() + _A_DAY
    while (moment := datetime(day.year, day.month, day.day, tzinfo=UTC)) < ends:
        yield moment
        day += _A_DAY


# Security events


def _events(connection: Connection, asked: Asked) -> tuple[EventCount, ...]:
    now = _counts(connection, asked.span, asked)
    before = None if asked.before is None else _counts(connection, asked.before, asked)
    year_ago = None if asked.year_ago is None else _counts(connection, asked.year_ago, asked)
    return tuple(
        EventCount(kind=kind, severity=severity, count=_trend((kind, severity), now, before, year_ago))
        for kind, severity in sorted({*now, *(before or ())}, key=lambda key: (-now.get(key, 0), key))
    )


def _trend(
    key: tuple[str, int],
    now: Mapping[tuple[str, int], int],
    before: Mapping[tuple[str, int], int] | None,
    year_ago: Mapping[tuple[str, int], int] | None,
) -> Trend:
    return Trend(
        now=now.get(key, 0),
        before=None if before is None else before.get(key, 0),
        year_ago=None if year_ago is None else year_ago.get(key, 0),
    )


def _counts(connection: Connection, span: Span, asked: Asked) -> dict[tuple[str, int], int]:
    s = security_counts.c
    of = (s.agency, s.kind, s.severity)
    query = (
        select(*of, cast(func.sum(s["count"]), BigInteger))
        .where(s.hour >= span.begins, s.hour < span.ends)
        .group_by(*of)
    )
    found: dict[tuple[str, int], int] = {}
    for agency, kind, severity, count in connection.execute(query):
        if asked.agency in (None, asked.canonical.get(agency, agency)):
            found[kind, severity] = found.get((kind, severity), 0) + count
    return found
