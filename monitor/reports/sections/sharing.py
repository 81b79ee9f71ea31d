"""Volume and quality: what was exchanged, how services answered, which objectives were kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from monitor.judging.terms import UNREGISTERED, Pair
from monitor.objectives.figures import Figure as Attained
from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY, agreed
from monitor.registry.model import Agreement
from monitor.reports.figures import Indicator, Share, Text
from monitor.reports.gather.cells import Tallied
from monitor.reports.gather.counted import Counted, total
from monitor.reports.model import Day, ObjectiveRow, PairRow, QualityPart, ServiceRow, VolumePart
from monitor.reports.sections.view import Past, View
from monitor.reports.shape.sharing import Slo

MOST_PAIRS: Final = 20_000  # rows of the annex, the largest first: four times the national platform's
# Sums of shares such as 0.01 miss whole numbers in the last places: as many as allowed is still kept.
ROUNDING: Final = 1e-6
SLOS_OF: Final[dict[str, Slo]] = {
    AVAILABILITY: "availability",
    LATENCY: "latency",
    ERROR_RATE: "error_rate",
}


def volume_part(view: View) -> VolumePart:
    """What was exchanged, day by day and in all."""
    registry, tallied = view.registry, view.gathered.tallied
    days = []
    for day, counted in _days(view, tallied):
        volume = counted.volume
        days.append(
            Day(
                day=day,
                exchanges=volume.exchanges,
                failed=volume.failed,
                denied=volume.denied,
                breached=volume.breached,
            )
        )
    return VolumePart(
        total=view.now.total.volume,
        before=None if view.before is None else view.before.total.volume,
        year_ago=None if view.year_ago is None else view.year_ago.total.volume,
        days=tuple(days),
        agencies_active=view.trend(lambda past: len(_agencies(past))),
        agencies_registered=len(registry.agencies),
        services_active=view.trend(lambda past: len({p.service for p in _active(past)} - {UNREGISTERED})),
        services_registered=len(registry.services),
        pairs_active=view.trend(lambda past: len(_active(past))),
        connection_points=sum(
            agency.connection.points
            for code, agency in registry.agencies.items()
            if view.concerns(code) and view.gathered.stood.standings[code].connected
        ),
        days_before=_daily(view, view.before),
        days_year_ago=_daily(view, view.year_ago),
    )


def _days(view: View, tallied: Tallied) -> Iterator[tuple[date, Counted]]:
    """Each local day of a period, with what concerns the report; days without exchanges are there."""
    for day, of_all in sorted(tallied.days.items()):
        yield day, of_all if view.agency is None else tallied.days_of.get((view.agency, day), Counted())


def _daily(view: View, past: Past | None) -> tuple[int, ...]:
    return () if past is None else tuple(each.exchanges for _, each in _days(view, past.tallied))


def _active(past: Past) -> list[Pair]:
    return [pair for pair, counted in past.pairs.items() if counted.exchanges]


def _agencies(past: Past) -> set[str]:
    return {code for pair in _active(past) for code in pair[:2]} - {UNREGISTERED}


def quality_part(view: View) -> QualityPart:
    """How services answered, and how far objectives were kept."""
    objectives = tuple(_objectives(view))
    scored = [each for each in objectives if each.kept is not None]
    before = list(_kept_before(view))
    kept = sum(bool(each.kept) for each in scored)
    target = view.gathered.terms.rules.indicators.targets.objectives_met
    return QualityPart(
        availability=view.availability(lambda past: past.pairs),
        denied=view.indicator(
            "denied",
            lambda past: (past.total.sums[2], past.total.exchanges, past.total.exchanges),
            target=None,
            source="cells",
            reason="no_exchanges",
        ),
        durations=view.now.durations(view.now.pairs),
        durations_before=None if view.before is None else view.before.durations(view.before.pairs),
        objectives_met=Indicator(
            key="objectives_met",
            numerator=kept,
            denominator=len(scored),
            eligible=len(objectives),
            target=target,
            source="cells",
            scored=bool(scored),
            reason=None if scored else "not_measured" if objectives else "nothing_agreed",
            before=None if view.before is None else Share(numerator=sum(before), denominator=len(before)),
        ),
        services=tuple(_services(view)),
        objectives=objectives,
    )


def _services(view: View) -> list[ServiceRow]:
    rows = []
    for (provider, name), pairs in view.now.by_service.items():
        service = view.registry.services.get(name)

        def ours(past: Past, key: tuple[str, str] = (provider, name)) -> list[Pair]:
            return past.by_service.get(key, [])

        def exchanges(past: Past, key: tuple[str, str] = (provider, name)) -> int:
            return past.exchanges(past.by_service.get(key, []))

        objectives = None if service is None else service.objectives
        rows.append(
            ServiceRow(
                service=name,
                name=None if service is None else Text(en=service.name.en, vi=service.name.vi),
                provider=provider,
                method=None if service is None else service.method,
                consumers=sum(view.now.pairs[pair].exchanges > 0 for pair in pairs),
                volume=total(view.now.pairs[pair] for pair in pairs).volume,
                exchanges=view.trend(exchanges),
                durations=view.now.durations(pairs),
                availability=view.availability(ours, objectives.availability if objectives else None),
                p95_before_us=None
                if view.before is None
                else view.before.durations(ours(view.before)).p95_us,
            )
        )
    return sorted(rows, key=lambda row: (-row.volume.exchanges, row.provider, row.service))


def pair_rows(view: View) -> tuple[tuple[PairRow, ...], int]:
    """Every pair, the largest first, and how many were left out."""
    order = sorted(view.now.pairs, key=lambda pair: (-view.now.pairs[pair].exchanges, pair))
    return tuple(_pair_row(view, pair) for pair in order[:MOST_PAIRS]), max(len(order) - MOST_PAIRS, 0)


def _pair_row(view: View, pair: Pair) -> PairRow:
    counted = view.now.pairs[pair]
    versions = _in_period(view, pair)
    service = view.registry.services.get(pair.service)
    target = agreed(versions[-1], service).availability if versions and service is not None else None

    def counts(past: Past) -> tuple[int, int, int]:
        sums = past.sums(pair)
        return sums.sums[0], sums.sums[0] + sums.failed, sums.exchanges

    return PairRow(
        provider=pair.provider,
        consumer=pair.consumer,
        service=pair.service,
        volume=counted.volume,
        exchanges=view.trend(lambda past: past.sums(pair).exchanges),
        durations=counted.durations(view.gathered.tallied.latencies.get(pair)),
        availability=view.indicator(
            "availability", counts, target=target, source="cells", reason="no_exchanges"
        ),
        under_agreement=view.now.under(pair),
        agreements=tuple(dict.fromkeys(each.id for each in versions)),
    )


def _in_period(view: View, pair: Pair) -> list[Agreement]:
    """The versions that permitted a pair's exchanges at any time of the period, by start."""
    if UNREGISTERED in pair:
        return []
    first, last = days_of(view)
    return [
        each
        for each in view.registry.versions(pair.consumer, pair.service)
        if each.permits and each.start <= last and each.last_day >= first
    ]


def days_of(view: View) -> tuple[date, date]:
    """The first and the last local day that were summed."""
    zone = view.gathered.terms.zone
    last = (view.gathered.until - timedelta(microseconds=1)).astimezone(zone).date()
    return view.gathered.period.first_day, max(last, view.gathered.period.first_day)


def _objectives(view: View) -> Iterator[ObjectiveRow]:
    """Every objective that an agreement had within the period; those without exchanges are not scored."""
    first, last = days_of(view)
    before = None if view.gathered.before is None else view.gathered.before.stood
    latest: dict[str, Agreement] = {}
    for each in view.registry.agreements:  # by id, then version
        if each.permits and each.start <= last and each.last_day >= first:
            latest[each.id] = each
    for (name, slo), figure in sorted(view.gathered.stood.kept.items()):
        one = latest.get(name)
        if one is None or not view.concerns(one.provider, one.consumer):
            continue
        terms = agreed(one, view.registry.services[one.service])
        objective = terms.objective(slo)
        if objective is None:  # a version before the last had it
            continue
        past = None if before is None else before.kept.get((name, slo))
        yield ObjectiveRow(
            agreement=name,
            provider=one.provider,
            consumer=one.consumer,
            service=one.service,
            slo=SLOS_OF[slo],
            objective=objective,
            limit_ms=terms.latency.limit_ms if slo == LATENCY and terms.latency else None,
            attained=Indicator(
                key=slo,
                numerator=figure.events - figure.bad,
                denominator=figure.events,
                eligible=figure.events,
                target=objective,
                source="cells",
                scored=figure.events > 0,
                reason=None if figure.events else "no_exchanges",
                before=None
                if past is None
                else Share(numerator=past.events - past.bad, denominator=past.events),
            ),
            bad=figure.bad,
            allowed=round(figure.allowed, 6),
            kept=is_kept(figure),
            kept_before=None if past is None else is_kept(past),
        )


def _kept_before(view: View) -> Iterator[bool]:
    """Whether each objective of the period before was kept, also of agreements that have ended since."""
    stood = None if view.gathered.before is None else view.gathered.before.stood
    if stood is None:
        return
    parties = {each.id: (each.provider, each.consumer) for each in view.registry.agreements}
    for (name, _), figure in stood.kept.items():
        kept = is_kept(figure)
        if kept is not None and view.concerns(*parties[name]):
            yield kept


def is_kept(figure: Attained) -> bool | None:
    """Whether no more missed an objective than might have; None without exchanges."""
    return figure.bad <= figure.allowed + ROUNDING if figure.events else None
