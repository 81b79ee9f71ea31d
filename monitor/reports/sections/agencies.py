"""The ranking: every agency's indicators, its rank by volume, and its composite score."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from fractions import Fraction

from monitor.indicators import agencies as names
from monitor.indicators.agencies import INDICATORS
from monitor.indicators.indicator import Indicator as Scored
from monitor.reports.figures import Indicator, Share, Text
from monitor.reports.gather.standing import Stood
from monitor.reports.model import AgencyRow, Points, RankingPart
from monitor.reports.rules import Composite
from monitor.reports.sections.view import Past, View, name_of

_SOURCES: Mapping[str, str] = {
    names.CONNECTION: "standings",
    names.SERVICES_USED: "cells",
    names.TRAFFIC: "cells_findings",
    names.DUTIES: "duties",
    names.OBJECTIVES: "cells",
}
# Why an indicator is not scored: where nothing is eligible, and where something is but cannot be scored.
_REASONS: Mapping[str, tuple[str, str]] = {
    names.CONNECTION: ("not_connected", "not_connected"),
    names.SERVICES_USED: ("nothing_offered", "nobody_may_use"),
    names.TRAFFIC: ("no_exchanges", "not_judged"),
    names.DUTIES: ("no_duties", "no_duties"),
    names.OBJECTIVES: ("nothing_agreed", "not_measured"),
}


def ranking_part(national: View, rules: Composite) -> RankingPart:
    """All agencies of the registry; `national` is the view of all, whoever the report is about."""
    gathered, registry = national.gathered, national.registry
    stood, earlier = gathered.stood, None if gathered.before is None else gathered.before.stood
    offers = {service.provider for service in registry.services.values()}
    scores = {code: composite(stood, code, rules) for code in registry.agencies}
    scores_before = {} if earlier is None else {code: composite(earlier, code, rules) for code in scores}
    ranks = _volume_ranks(national.now, stood, scores, offers)
    ranks_before: dict[str, int] = {}
    if national.before is not None and earlier is not None:
        ranks_before = _volume_ranks(national.before, earlier, scores, offers)
    places = _ranks({code: score for code, (score, _) in scores.items() if score is not None})
    places_before = _ranks({code: score for code, (score, _) in scores_before.items() if score is not None})
    rows = [
        AgencyRow(
            agency=code,
            name=name_of(registry, code) or Text(en=code, vi=code),
            kind=agency.kind,
            connected=stood.standings[code].connected,
            provided=national.trend(_provided(code)),
            consumed=national.trend(_consumed(code)),
            availability=_availability(national, stood, code),
            indicators=tuple(_indicator(stood, earlier, code, name) for name in INDICATORS),
            rank=ranks.get(code),
            rank_before=ranks_before.get(code),
            composite=scores[code][0],
            composite_before=scores_before[code][0] if code in scores_before else None,
            points=scores[code][1],
            composite_rank=places.get(code),
            composite_rank_before=places_before.get(code),
            unranked=_unranked(stood, code, offers),
        )
        for code, agency in registry.agencies.items()
    ]
    return RankingPart(
        agencies=tuple(rows),
        weights=dict(rules.weights.model_dump()),
        least_scored=rules.least_scored,
        ranked=len(ranks),
        composite_ranked=len(places),
    )


def composite(stood: Stood, agency: str, rules: Composite) -> tuple[float | None, tuple[Points, ...]]:
    """The composite score of an agency, 0 to 100, and what each indicator adds; None where too few count."""
    weights = rules.weights.model_dump()
    points, earned, most = [], Fraction(), Fraction()
    for name, scored in stood.indicators[agency].items():
        if not scored.scored or not weights[name]:
            continue
        weight = Fraction(repr(weights[name]))
        reached = min(
            Fraction(scored.numerator, scored.denominator) / Fraction(repr(scored.target)), Fraction(1)
        )
        earned, most = earned + weight * reached, most + weight
        points.append(Points(indicator=name, points=round(float(weight * reached), 2), most=weights[name]))
    counted = sum(scored.scored for scored in stood.indicators[agency].values())
    if counted < rules.least_scored or not most:
        return None, tuple(points)
    return round(float(100 * earned / most), 1), tuple(points)


def indicator_of(now: Scored, before: Scored | None, connected: bool) -> Indicator:
    """An indicator of monitor.indicators as a report has it, with its source and why it is not scored."""
    reason = None
    if not now.scored:
        reason = "not_connected" if not connected else _REASONS[now.name][now.concerns]
    return Indicator(
        key=now.name,
        numerator=now.numerator,
        denominator=now.denominator,
        eligible=now.eligible,
        target=now.target,
        source=_SOURCES[now.name],
        scored=now.scored,
        reason=reason,
        before=None if before is None else Share(numerator=before.numerator, denominator=before.denominator),
    )


def _indicator(stood: Stood, earlier: Stood | None, agency: str, name: str) -> Indicator:
    before = None if earlier is None else earlier.indicators[agency][name]
    return indicator_of(stood.indicators[agency][name], before, stood.standings[agency].connected)


def _availability(national: View, stood: Stood, agency: str) -> Indicator:
    found = national.availability(lambda past: past.by_provider.get(agency, []))
    if stood.standings[agency].connected:
        return found
    # What is not connected is not scored, whatever its neighbours say that they asked it.
    return Indicator(
        key=found.key,
        numerator=0,
        denominator=0,
        eligible=found.eligible,
        target=None,
        source=found.source,
        scored=False,
        reason="not_connected",
    )


def _provided(agency: str) -> Callable[[Past], int]:
    return lambda past: past.exchanges(past.by_provider.get(agency, []))


def _consumed(agency: str) -> Callable[[Past], int]:
    return lambda past: past.exchanges(past.by_consumer.get(agency, []))


def _unranked(stood: Stood, agency: str, offers: Container[str]) -> str | None:
    if not stood.standings[agency].connected:
        return "not_connected"
    return None if agency in offers else "nothing_offered"


def _volume_ranks(
    past: Past, stood: Stood, agencies: Iterable[str], offers: Container[str]
) -> dict[str, int]:
    return _ranks(
        {
            code: past.exchanges(past.by_provider.get(code, []))
            for code in agencies
            if _unranked(stood, code, offers) is None
        }
    )


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    """Ranks from 1, the largest first; equal values share a rank, and the next one counts them all."""
    order = sorted(values.values(), reverse=True)
    first = {value: place for place, value in reversed(list(enumerate(order, 1)))}
    return {code: first[value] for code, value in values.items()}
